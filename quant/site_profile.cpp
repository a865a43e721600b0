#include "tempera/quant/site_profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/batch_part.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/ptq/sqnr.hpp"
#include "tempera/quant/quantizers/dynamic_uniform.hpp"

namespace tempera::quant {
namespace {

constexpr std::size_t kBins = 64, kSamples = 241;

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

struct Span {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  [[nodiscard]] bool empty() const { return low > high; }
};

// Of the finite values, not of no length.
Span span_of(std::span<const Scalar> values) {
  Span span;
  for (const Scalar x : values) {
    if (!std::isfinite(x)) continue;  // behind a site that overflows
    span.low = std::min(span.low, static_cast<double>(x));
    span.high = std::max(span.high, static_cast<double>(x));
  }
  if (span.low == span.high) ++span.high;
  return span;
}

void add_histograms(const Meter& meter, SiteProfile& profile) {
  const Span span = span_of(meter.before().values());
  if (span.empty()) return;
  profile.low = span.low;
  profile.high = span.high;
  profile.before = counted(meter.before(), profile.low, profile.high);
  profile.after = counted(meter.after(), profile.low, profile.high);
}

// A little beyond the range that values have; thresholds from both sides, so that each step stands where it is.
std::vector<double> arguments(const Span& span, const std::optional<QParams>& params) {
  const double margin = 0.1 * (span.high - span.low);
  std::vector<double> x;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const double share = static_cast<double>(i) / (kSamples - 1);
    x.push_back(span.low - margin + share * (span.high - span.low + 2 * margin));
  }
  if (!params) return x;
  for (const float t : params->thresholds) {
    const auto at = static_cast<double>(t);
    if (at <= x.front() || at >= x[kSamples - 1]) continue;
    x.push_back(at);
    x.push_back(static_cast<double>(std::nextafter(t, -std::numeric_limits<float>::infinity())));
  }
  std::ranges::sort(x);
  return x;
}

// The channel that is drawn of several: that of the median scale, as the others are alike but for their width.
std::int64_t drawn_channel(const std::vector<float>& scales) {
  std::vector<std::int64_t> order(scales.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::int64_t c) { return scales[static_cast<std::size_t>(c)]; });
  return order[order.size() / 2];
}

// A row of arguments for each channel, of which one is read.
class Rows {
 public:
  Rows(std::int64_t channels, std::int64_t drawn, const std::vector<double>& x)
      : x_({channels, static_cast<std::int64_t>(x.size())}), drawn_(static_cast<std::size_t>(drawn)) {
    const std::span<Scalar> all = x_.mutable_values();
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Scalar>(x[i % x.size()]);
  }
  [[nodiscard]] const core::Tensor& arguments() const noexcept { return x_; }
  /// Of a tensor of this shape, or zeros of an empty one.
  [[nodiscard]] std::vector<double> drawn(const core::Tensor& y) const {
    const auto count = static_cast<std::size_t>(x_.dim(1));
    if (y.empty()) return std::vector<double>(count, 0.0);
    const std::span<const Scalar> row = y.values().subspan(drawn_ * count, count);
    return {row.begin(), row.end()};
  }

 private:
  core::Tensor x_;
  std::size_t drawn_;
};

// The staircase and its surrogate, over what the quantizer is given, which is `whole`.
void add_staircase(Quantizer& quantizer, const core::Tensor& whole, SiteProfile& profile) {
  const std::optional<QParams> params = quantizer.params();
  const bool by_channel = params && params->scale.size() > 1;
  if (by_channel && params->granularity != Granularity::kChannel) return;
  const std::int64_t channels = by_channel ? whole.dim(0) : 1;
  const std::int64_t channel = by_channel ? drawn_channel(params->scale) : 0;
  const std::size_t row = whole.values().size() / static_cast<std::size_t>(channels);
  const Span span = span_of(whole.values().subspan(static_cast<std::size_t>(channel) * row, row));
  if (span.empty()) return;
  if (by_channel) profile.channel = channel;
  profile.argument = arguments(span, params);
  const Rows rows(channels, channel, profile.argument);
  const Variable input(rows.arguments(), true);
  // The last epoch's form, as it was trained; learned numbers receive gradients here, which are dropped again.
  ForwardContext context{.training = true, .epoch = std::numeric_limits<std::int32_t>::max()};
  const Variable output = quantizer.forward_within(whole, input, context);
  core::backward(output, core::Tensor::full(output.shape(), 1));
  for (const nn::Parameter& parameter : quantizer.parameters()) parameter.variable.zero_grad();
  profile.value = rows.drawn(output.value());
  profile.derivative = rows.drawn(input.grad());
  if (!quantizer.temperature(0)) return;
  const core::NoGrad no_grad;
  ForwardContext evaluation;
  profile.hard = rows.drawn(quantizer.forward_within(whole, Variable(rows.arguments()), evaluation).value());
}

SiteProfile profile_of(const nn::Site& site, const Meter& meter) {
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
  add_staircase(quantizer, norm ? scaled_channels(meter.before(), invertible_factor(*norm)) : meter.before(), profile);
  return profile;
}

}  // namespace

std::vector<SiteProfile> profile_sites(nn::Model& model, core::BatchSource& source, std::int64_t images,
                                       const std::atomic<bool>* interrupt,
                                       const std::map<std::string, core::Tensor>& floats) {
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
  for (const auto& [site, meter] : metered.meters) all.push_back(profile_of(*site, *meter));
  return all;
}

}  // namespace tempera::quant
