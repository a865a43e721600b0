#include "tempera/quant/attach.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizers/dynamic_uniform.hpp"
#include "tempera/quant/site_pattern.hpp"

namespace tempera::quant {
namespace {

// Of steps that wait for the start epoch, one of so many lets quantizers that look once begin again. Looking at all values takes
// about as long as rounding them, which waiting is to spare; so what they begin with may be of some steps ago.
constexpr std::int64_t kStepsToBeginAgain = 16;

// Whether no value of a site is below 0, by site.
void note_signs(std::span<const std::unique_ptr<nn::Layer>> layers, bool input, std::map<std::string, bool>& signs) {
  for (const auto& layer : layers) {
    signs[layer->input_site().name] = input;
    note_signs(layer->children(), input, signs);
    input = layer->non_negative(input);
    signs[layer->output_site().name] = input;
  }
}

std::vector<SiteFacts> facts_of(nn::Model& model) {
  std::map<std::string, bool> signs;
  note_signs(model.layers(), false, signs);
  std::vector<SiteFacts> all;
  for (const nn::Site* site : model.sites()) {
    all.push_back({.name = site->name, .kind = site->kind, .shape = site->shape, .non_negative = signs[site->name]});
  }
  return all;
}

std::vector<std::string> names_of(const std::vector<SiteFacts>& sites) {
  std::vector<std::string> names;
  names.reserve(sites.size());
  for (const SiteFacts& site : sites) names.push_back(site.name);
  return names;
}

// The last rule that takes a site. The model's input has a default where a program of integers may be made, which has to
// begin somewhere; in dynamic quantization floats come in.
int rule_of(const SiteFacts& site, const QuantizationConfig& config) {
  for (std::size_t i = config.rules.size(); i-- > 0;) {
    if (matches(config.rules[i].sites, site.name)) return static_cast<int>(i);
  }
  return site.name == "input" && !config.dynamic() ? kDefaultRule : kNoRule;
}

std::unique_ptr<Quantizer> quantizer_for(const SiteFacts& site, int rule, const QuantizationConfig& config) {
  if (rule == kNoRule) return nullptr;
  const QuantizerRegistry& registry = config.quantizers();
  if (rule == kDefaultRule) return registry.make(*registry.create("uniform"), site);
  const Rule& taken = config.rules[static_cast<std::size_t>(rule)];
  if (!taken.quantizer) return nullptr;
  return taken.how == How::kDynamic ? make_dynamic(*taken.quantizer, site) : registry.make(*taken.quantizer, site);
}

std::string type_of(int rule, const QuantizationConfig& config) {
  if (rule == kNoRule) return {};
  if (rule == kDefaultRule) return "uniform";
  const auto& chosen = config.rules[static_cast<std::size_t>(rule)].quantizer;
  return chosen ? std::string(chosen->type()) : std::string();
}

void check_selectors(const QuantizationConfig& config, const std::vector<SiteFacts>& sites,
                     std::vector<core::ConfigIssue>& issues) {
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const std::string& pattern = config.rules[i].sites;
    const auto taken = [&](const SiteFacts& site) { return matches(pattern, site.name); };
    if (std::ranges::any_of(sites, taken)) continue;
    issues.push_back(
        {.pointer = fmt::format("/rules/{}/sites", i),
         .message = fmt::format("\"{}\" matches no site{}", pattern, site_suggestion(pattern, names_of(sites)))});
  }
}

// A dynamic rule that no site could follow is complained of once, whatever it takes.
void check_how(const QuantizationConfig& config, std::vector<core::ConfigIssue>& issues) {
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const Rule& rule = config.rules[i];
    if (rule.how != How::kDynamic) continue;
    if (!rule.quantizer) {
      issues.push_back({.pointer = fmt::format("/rules/{}/how", i),
                        .message = "dynamic quantization needs a \"quantizer\" to say how many bits"});
    } else if (const auto complaint = dynamic_complaint(*rule.quantizer)) {
      issues.push_back({.pointer = fmt::format("/rules/{}/{}", i, complaint->field), .message = complaint->message});
    }
  }
}

const nn::Site* weight_site(const nn::graph::Operation& operation) {
  if (const auto* linear = std::get_if<nn::graph::Linear>(&operation)) return linear->weight_site;
  if (const auto* conv = std::get_if<nn::graph::Conv2d>(&operation)) return conv->weight_site;
  return nullptr;
}

// Empty for a model with a layer that has none: it cannot be lowered, and what is never lowered need not be folded.
nn::Graph graph_of(const nn::Model& model) {
  try {
    return nn::lower(model);
  } catch (const core::UnsupportedError&) {
    return {};
  }
}

// Every site with its quantizer, or null.
using Assigned = std::vector<std::pair<SitePlan, std::unique_ptr<Quantizer>>>;
const std::string& name_of(const Assigned::value_type& one) { return one.first.site; }

// Half floats are rounded as they are: they never become integers, for which a norm has to be folded in.
bool folds(const Quantizer* weight) { return weight == nullptr || !weight->stored_as(); }

// What stands between a layer and the batch norm that is folded into its weights would have to be quantized before the norm
// has acted, which the integers of the folded layer never are.
void check_folds(const nn::Model& model, const Assigned& all, std::vector<core::ConfigIssue>& issues) {
  const nn::Graph graph = graph_of(model);
  for (const FoldedPair& pair : folded_pairs(graph)) {
    const std::string& layer = graph[pair.weighted].layer;
    const std::string& norm = graph[pair.norm].layer;
    const auto weight = std::ranges::find(all, weight_site(graph[pair.weighted].operation)->name, name_of);
    if (weight != all.end() && !folds(weight->second.get())) continue;
    for (const auto& [site, quantizer] : all) {
      if (quantizer == nullptr || (site.site != layer + ".output" && site.site != norm + ".input")) continue;
      issues.push_back({.pointer = fmt::format("/rules/{}/sites", site.rule),
                        .message = fmt::format(
                            "takes \"{}\", which lies between \"{}\" and the batch norm \"{}\" that is folded into "
                            "its weights (let a later rule without a quantizer take that site back)",
                            site.site, layer, norm)});
    }
  }
}

// Throws every complaint at once.
Assigned assign(nn::Model& model, const QuantizationConfig& config) {
  std::vector<core::ConfigIssue> issues;
  const std::vector<SiteFacts> sites = facts_of(model);
  check_selectors(config, sites, issues);
  check_how(config, issues);
  const bool sound = issues.empty();  // else sites would repeat what was said of their rule
  Assigned all;
  for (const SiteFacts& site : sites) {
    const int rule = rule_of(site, config);
    SitePlan plan{.site = site.name, .kind = site.kind, .shape = site.shape, .rule = rule, .quantizer = {}, .bits = 32};
    const bool dynamic = rule >= 0 && config.rules[static_cast<std::size_t>(rule)].how == How::kDynamic;
    std::unique_ptr<Quantizer> quantizer;
    try {
      quantizer = quantizer_for(site, rule, config);
    } catch (const core::ConfigError& error) {
      if (dynamic && !sound) continue;
      issues.push_back({.pointer = fmt::format("/rules/{}/{}", rule, dynamic ? "how" : "quantizer"),
                        .message = error.issues()[0].message});
    }
    if (quantizer != nullptr) {
      plan.quantizer = type_of(rule, config);
      plan.bits = quantizer->bits();
      plan.how = dynamic ? How::kDynamic : How::kStatic;
    }
    all.emplace_back(std::move(plan), std::move(quantizer));
  }
  if (config.fold_batch_norm) check_folds(model, all, issues);
  if (!issues.empty()) throw core::ConfigError(std::move(issues));
  return all;
}

void fold_all(const nn::Model& model) {
  const nn::Graph graph = graph_of(model);
  for (const FoldedPair& pair : folded_pairs(graph)) {
    SiteQuantizer* quantizer = quantizer_of(*weight_site(graph[pair.weighted].operation));
    if (quantizer == nullptr || !folds(&quantizer->quantizer())) continue;
    quantizer->fold(std::get<nn::graph::BatchNorm>(graph[pair.norm].operation));
  }
}

}  // namespace

SiteQuantizer::SiteQuantizer(std::unique_ptr<Quantizer> quantizer, const SiteFacts& site,
                             const QuantizationConfig& config)
    : quantizer_(std::move(quantizer)),
      site_(site),
      start_epoch_(config.when == When::kAware ? config.start_epoch : std::numeric_limits<std::int64_t>::max()),
      freeze_epoch_(config.freeze_observers.value_or(std::numeric_limits<std::int64_t>::max())) {}

bool SiteQuantizer::never_aware(const ForwardContext& context) const noexcept {
  return context.training && start_epoch_ == std::numeric_limits<std::int64_t>::max();
}
bool SiteQuantizer::observes(const ForwardContext& context) const noexcept {
  return context.training && context.epoch < freeze_epoch_;
}
bool SiteQuantizer::waits(const ForwardContext& context) const noexcept {
  return context.training && context.epoch < start_epoch_;
}

Variable SiteQuantizer::operator()(const Variable& value, ForwardContext& context) {
  if (observing_) {
    // Not every quantizer looks: with a scale by hand none is chosen by what is seen.
    if (value.shape().numel() > 0) static_cast<void>(finite_range(value.value().values(), site_.name));
    observe(value.value());
    return value;
  }
  if (never_aware(context)) return value;
  const bool observes = this->observes(context), waits = this->waits(context);
  if (!norm_ && observes && !waits && value.shape().numel() > 0) return quantizer_->observed_forward(value, context);
  if (observes && waits && context.step % kStepsToBeginAgain == 0) quantizer_->begin_again();
  if (observes) observe(value.value());
  if (!quantizer_->ready() || waits) return value;
  if (!norm_) return quantizer_->forward(value, context);
  // One factor a channel, along the first axis of the weight, of the running statistics. The norm behind the layer divides by the
  // batch's: that is the correction σ/σ_B of Krishnamoorthi 2018, §3.2.2 (docs/guide/integer-arithmetic.md §7).
  core::Shape column = value.shape();
  std::vector<std::int64_t> extents(static_cast<std::size_t>(column.rank()), 1);
  extents[0] = column[0];
  const Variable factor(invertible_factor(*norm_).reshaped(core::Shape(extents)));
  return core::div(quantizer_->forward(core::mul(value, factor), context), factor);
}

Variable SiteQuantizer::pooled_pairs(const Variable& value, ForwardContext& context) {
  if (observing_ || never_aware(context) || waits(context) || value.shape().numel() == 0) {
    return core::max_pool2d((*this)(value, context));
  }
  return quantizer_->pooled_pairs(value, observes(context), context);
}

core::Tensor SiteQuantizer::folded(const core::Tensor& value) const {
  return norm_ ? scaled_channels(value, invertible_factor(*norm_)) : value;
}

void SiteQuantizer::observe(const core::Tensor& value) { quantizer_->observe(folded(value)); }

Integers SiteQuantizer::integers(const core::Tensor& weight) const {
  const core::Tensor used = folded(weight);
  static_cast<void>(finite_range(used.values(), site_.name));
  return quantizer_->integers(used);
}

std::vector<nn::Parameter> SiteQuantizer::parameters() const { return quantizer_->parameters(); }
std::vector<nn::Buffer> SiteQuantizer::buffers() const { return quantizer_->buffers(); }
void SiteQuantizer::numbers(core::FieldVisitor& v) { quantizer_->numbers(v); }

std::vector<SitePlan> plan(nn::Model& model, const QuantizationConfig& config) {
  std::vector<SitePlan> plans;
  for (auto& [site, quantizer] : assign(model, config)) plans.push_back(std::move(site));
  return plans;
}

std::vector<SitePlan> attach(nn::Model& model, const QuantizationConfig& config) {
  Assigned all = assign(model, config);
  const std::vector<SiteFacts> facts = facts_of(model);
  const std::vector<nn::Site*> sites = model.sites();
  std::vector<SitePlan> plans;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].second != nullptr) {
      sites[i]->transform = std::make_shared<SiteQuantizer>(std::move(all[i].second), facts[i], config);
    }
    plans.push_back(std::move(all[i].first));
  }
  if (config.fold_batch_norm) fold_all(model);
  return plans;
}

void settle(nn::Model& model) {
  for (const nn::Site* site : model.sites()) {
    SiteQuantizer* quantizer = quantizer_of(*site);
    if (quantizer != nullptr && site->kind == nn::SiteKind::kWeight) quantizer->observe(site->parameter.value());
  }
}

SiteQuantizer* quantizer_of(const nn::Site& site) noexcept {
  return dynamic_cast<SiteQuantizer*>(site.transform.get());
}

}  // namespace tempera::quant
