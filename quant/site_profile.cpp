#include "tempera/quant/site_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/batch_part.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/ptq/sqnr.hpp"
#include "tempera/quant/quantizers/dynamic_uniform.hpp"

namespace tempera::quant {
namespace {

constexpr std::size_t kBins = 64;

// Stands in for a site's transform, and adds up what it changes.
class Meter final : public nn::ValueTransform {
 public:
  /// `floats`: what is quantized, where the value that comes is that already; or empty.
  Meter(std::shared_ptr<nn::ValueTransform> inner, core::Tensor floats)
      : inner_(std::move(inner)), floats_(std::move(floats)) {}
  Variable operator()(const Variable& value, ForwardContext& context) override {
    Variable result = (*inner_)(value, context);
    const core::Tensor& before = floats_.empty() ? value.value() : floats_;
    if (before_.empty()) {
      before_ = before;
      after_ = result.value();
    }
    ratio_.add(before, result.value());
    return result;
  }
  [[nodiscard]] double decibels() const { return ratio_.decibels(); }
  [[nodiscard]] const std::shared_ptr<nn::ValueTransform>& inner() const noexcept { return inner_; }
  /// Of the first value that passed.
  [[nodiscard]] const core::Tensor& before() const noexcept { return before_; }
  [[nodiscard]] const core::Tensor& after() const noexcept { return after_; }

 private:
  std::shared_ptr<nn::ValueTransform> inner_;
  SignalToNoise ratio_;
  core::Tensor floats_, before_, after_;
};

// Puts a meter into every quantized site, and the quantizers back at its end.
class Metered {
 public:
  Metered(nn::Model& model, const std::map<std::string, core::Tensor>& floats) {
    for (nn::Site* site : model.sites()) {
      if (quantizer_of(*site) == nullptr) continue;
      const auto found = floats.find(site->name);
      meters.emplace_back(
          site, std::make_shared<Meter>(site->transform, found == floats.end() ? core::Tensor() : found->second));
      site->transform = meters.back().second;
    }
  }
  Metered(const Metered&) = delete;
  Metered& operator=(const Metered&) = delete;
  ~Metered() {
    for (auto& [site, meter] : meters) site->transform = meter->inner();
  }
  std::vector<std::pair<nn::Site*, std::shared_ptr<Meter>>> meters;
};

std::string grid_text(const Quantizer& quantizer) {
  const std::optional<QParams> params = quantizer.params();
  if (const auto* dynamic = dynamic_cast<const DynamicUniform*>(&quantizer)) {
    return fmt::format("{} bit, {}, dynamic", quantizer.bits(), dynamic->grid().is_signed ? "signed" : "unsigned");
  }
  if (!params) return fmt::format("{} bit float", quantizer.bits());
  return fmt::format("{} bit, {}, {}{}", params->bits, params->is_signed ? "signed" : "unsigned",
                     kGranularities[static_cast<std::size_t>(params->granularity)],
                     params->thresholds.empty() ? "" : ", steps of unequal width");
}

std::vector<double> counted(const core::Tensor& values, double low, double high) {
  std::vector<double> counts(kBins, 0);
  for (const Scalar x : values.values()) {
    if (!std::isfinite(x)) continue;
    const double place = (static_cast<double>(x) - low) / (high - low) * kBins;
    ++counts[static_cast<std::size_t>(std::clamp<double>(place, 0, kBins - 1))];
  }
  return counts;
}

void add_histograms(const Meter& meter, SiteProfile& profile) {
  const Span span = span_of(meter.before().values());
  if (span.empty()) return;
  profile.low = span.low;
  profile.high = span.high;
  profile.before = counted(meter.before(), profile.low, profile.high);
  profile.after = counted(meter.after(), profile.low, profile.high);
}

SiteProfile profile_of(const nn::Site& site, const Meter& meter, std::int64_t epoch) {
  const auto& transform = dynamic_cast<const SiteQuantizer&>(*meter.inner());
  Quantizer& quantizer = transform.quantizer();
  const auto& norm = transform.folded();
  SiteProfile profile{.site = site.name,
                      .kind = site.kind,
                      .quantizer_grid = grid_text(quantizer) + (norm ? ", batch norm folded in" : ""),
                      .bits = quantizer.bits(),
                      .values = site.shape.numel(),
                      .sqnr = meter.decibels(),
                      .folded = norm.has_value()};
  add_histograms(meter, profile);
  profile.staircase = drawn_staircase(
      quantizer, norm ? scaled_channels(meter.before(), invertible_factor(*norm)) : meter.before(), epoch);
  return profile;
}

}  // namespace

std::vector<SiteProfile> profile_sites(nn::Model& model, core::BatchSource& source, std::int64_t images,
                                       const std::atomic<bool>* interrupt,
                                       const std::map<std::string, core::Tensor>& floats, std::int64_t epoch) {
  if (source.samples() == 0) throw core::DataError("noise", "there are no images to measure it on");
  const Metered metered(model, floats);
  auto history = std::make_unique<core::NoGrad>();
  nn::ForwardContext context;
  for_first_images(source, images, [&](const core::Batch& batch) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
      throw core::Interrupted("interrupted while measuring quantization noise");
    }
    static_cast<void>(model.forward(Variable(batch.inputs), context));
  });
  history.reset();
  std::vector<SiteProfile> all;
  all.reserve(metered.meters.size());
  for (const auto& [site, meter] : metered.meters) all.push_back(profile_of(*site, *meter, epoch));
  return all;
}

}  // namespace tempera::quant
