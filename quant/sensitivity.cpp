#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "tempera/core/config/ignoring_visitor.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/ptq/sqnr.hpp"
#include "tempera/quant/ptq/tap.hpp"
#include "tempera/quant/search.hpp"

namespace tempera::quant {
namespace {

// Sets the field "bits" of a quantizer's config, as near as its range comes: powers of two have no 8 bits.
class BitSetter final : public core::IgnoringVisitor {
 public:
  explicit BitSetter(std::int64_t bits) : bits_(bits) {}
  using IgnoringVisitor::field;
  void field(std::string_view name, std::int64_t& value, const core::FieldDoc& doc) override {
    if (name != "bits") return;
    value = static_cast<std::int64_t>(std::clamp(static_cast<double>(bits_), doc.min, doc.max));
    given_ = static_cast<int>(value);
  }
  [[nodiscard]] std::optional<int> given() const noexcept { return given_; }

 private:
  std::int64_t bits_;
  std::optional<int> given_;
};

// The quantizer at these bits, and those that it has; none if it has no such field.
std::pair<core::Clonable<>, std::optional<int>> at_bits(core::Clonable<> quantizer, std::int64_t bits) {
  BitSetter setter(bits);
  if (quantizer) quantizer->fields(setter);
  return {std::move(quantizer), setter.given()};
}

// The config with every quantizer at these bits, and those that each rule's has.
std::pair<QuantizationConfig, std::vector<std::optional<int>>> at_bits(QuantizationConfig config, std::int64_t bits) {
  std::vector<std::optional<int>> given;
  for (Rule& rule : config.rules) {
    auto [quantizer, own] = at_bits(rule.quantizer, bits);
    rule.quantizer = std::move(quantizer);
    given.push_back(own);
  }
  config.when = When::kAfter;
  return {std::move(config), std::move(given)};
}

// In the order in which bits are offered.
std::vector<std::int64_t> falling(std::vector<std::int64_t> bits) {
  std::ranges::sort(bits, std::greater());
  return bits;
}

// The bits of a quantizer's own field, if it has one, else those that it stores.
int own_bits(const std::vector<std::optional<int>>& given, int rule, int stored) {
  return rule >= 0 ? given[static_cast<std::size_t>(rule)].value_or(stored) : stored;
}

struct Candidate {
  int bits, stored;
  std::shared_ptr<nn::ValueTransform> transform;
  double decibels;
};

// Whether products of integers take it: weights have up to 8 bits there.
bool has_integers(const nn::Site& site) {
  constexpr int kMostBits = 8;
  if (site.kind != nn::SiteKind::kWeight) return true;
  const std::optional<QParams> grid = quantizer_of(site)->quantizer().params();
  return grid && grid->bits <= kMostBits;
}

// Calibrated quantizers of all sites at some bits, put aside.
void add_candidates(nn::Model& model, const QuantizationConfig& section, std::int64_t bits, core::BatchSource& source,
                    const SensitivityConfig& options, const std::atomic<bool>* interrupt,
                    std::map<std::string, std::vector<Candidate>>& all) {
  const KeptTransforms kept(model);
  kept.remove();
  const auto [config, given] = at_bits(section, bits);
  const std::vector<SitePlan> plans = attach(model, config);
  calibrate(model, source, options.images, interrupt);
  for (const SiteNoise& noise : site_noise(model, source, options.images)) {
    std::vector<Candidate>& candidates = all[noise.site];
    const auto same = [&](const Candidate& c) { return c.stored == noise.bits; };
    if (std::ranges::any_of(candidates, same)) continue;  // has no field "bits", or not so many
    const nn::Site& site = site_named(model, noise.site);
    if (options.integer_weights && !has_integers(site)) continue;
    const int rule = std::ranges::find(plans, noise.site, &SitePlan::site)->rule;
    candidates.push_back({.bits = own_bits(given, rule, noise.bits),
                          .stored = noise.bits,
                          .transform = site.transform,
                          .decibels = noise.decibels});
  }
}

std::map<std::string, std::int64_t> multiply_adds_of(const nn::Model& model) {
  std::map<std::string, std::int64_t> all;
  for (const nn::LayerInfo* layer : model.infos()) all[layer->path] = layer->multiply_adds;
  return all;
}

SiteSensitivity unmeasured(const std::string& name, nn::SiteKind kind, const core::Shape& shape,
                           const std::map<std::string, std::int64_t>& multiply_adds) {
  SiteSensitivity site{.site = name, .kind = kind, .values = shape.numel(), .points = {}};
  if (kind == nn::SiteKind::kWeight) site.multiply_adds = multiply_adds.at(name.substr(0, name.rfind('.')));
  return site;
}

}  // namespace

std::vector<SiteSensitivity> offered_bits(nn::Model& model, const QuantizationConfig& config,
                                          const SensitivityConfig& options) {
  const std::map<std::string, std::int64_t> multiply_adds = multiply_adds_of(model);
  std::vector<SiteSensitivity> sites;
  for (const std::int64_t bits : falling(options.bits)) {
    const auto [section, given] = at_bits(config, bits);
    for (const SitePlan& site : plan(model, section)) {
      if (site.quantizer.empty()) continue;
      auto found = std::ranges::find(sites, site.site, &SiteSensitivity::site);
      if (found == sites.end()) {
        found = sites.insert(sites.end(), unmeasured(site.site, site.kind, site.shape, multiply_adds));
      }
      if (std::ranges::find(found->points, site.bits, &SensitivityPoint::stored_bits) != found->points.end()) continue;
      found->points.push_back({.bits = own_bits(given, site.rule, site.bits), .stored_bits = site.bits});
    }
  }
  return sites;
}

std::vector<SiteSensitivity> sensitivity(nn::Model& model, const QuantizationConfig& config, core::BatchSource& source,
                                         const nn::Objective& objective, const SensitivityConfig& options,
                                         const std::atomic<bool>* interrupt) {
  std::map<std::string, std::vector<Candidate>> candidates;
  for (const std::int64_t b : falling(options.bits)) {
    add_candidates(model, config, b, source, options, interrupt, candidates);
  }

  const KeptTransforms kept(model);
  kept.remove();
  const double floats = nn::evaluate(model, source, objective, interrupt).loss;
  const std::map<std::string, std::int64_t> multiply_adds = multiply_adds_of(model);
  std::vector<SiteSensitivity> sites;
  for (nn::Site* site : model.sites()) {
    const auto found = candidates.find(site->name);
    if (found == candidates.end()) continue;
    SiteSensitivity& result = sites.emplace_back(unmeasured(site->name, site->kind, site->shape, multiply_adds));
    for (const Candidate& candidate : found->second) {
      site->transform = candidate.transform;
      const double loss = nn::evaluate(model, source, objective, interrupt).loss;
      result.points.push_back({.bits = candidate.bits,
                               .stored_bits = candidate.stored,
                               .loss_increase = loss - floats,
                               .decibels = candidate.decibels});
    }
    site->transform = nullptr;
  }
  return sites;
}

QuantizationConfig with_bits(nn::Model& model, const QuantizationConfig& config, const BitAssignment& assignment) {
  const std::vector<SitePlan> plans = plan(model, config);
  QuantizationConfig result = config;
  for (const BitChoice& choice : assignment.choices) {
    const auto found = std::ranges::find(plans, choice.site, &SitePlan::site);
    if (found == plans.end() || found->rule < 0) {
      throw core::ConfigError(fmt::format("no rule of the config takes the site \"{}\"", choice.site));
    }
    const Rule& rule = config.rules[static_cast<std::size_t>(found->rule)];
    result.rules.push_back({.sites = choice.site, .quantizer = at_bits(rule.quantizer, choice.bits).first});
  }
  return result;
}

}  // namespace tempera::quant
