#include "tempera/quant/drawn_staircase.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tempera/quant/quantizers/dynamic_uniform.hpp"

namespace tempera::quant {
namespace {

constexpr std::size_t kSamples = 241;

// Where a quantizer's steps are, from its first to its last integer; nothing of half floats, and where the grid is of values alone.
std::optional<Span> reach(const Quantizer& quantizer, const std::optional<QParams>& params, std::size_t slot) {
  if (!params || !quantizer.keeps_places()) return std::nullopt;
  if (!params->thresholds.empty()) return Span{params->thresholds.front(), params->thresholds.back()};
  return Span{params->dequantize(params->qmin, slot), params->dequantize(params->qmax, slot)};
}

// All of the steps, and beyond them what values have, up to half as much on either side: beside outliers nothing would be seen.
Span drawn_span(const Span& values, const std::optional<Span>& steps) {
  if (!steps || steps->low >= steps->high) return values;
  const double half = 0.5 * (steps->high - steps->low);
  return {std::clamp(values.low, steps->low - half, steps->low),
          std::clamp(values.high, steps->high, steps->high + half)};
}

// Places where a soft form is steepest or the hard one steps, if they can be told apart in a picture.
std::vector<double> marked(const std::optional<QParams>& params, bool soft) {
  constexpr std::int32_t kMostSteps = 64;
  std::vector<double> x;
  if (!params) return x;
  for (const float t : params->thresholds) {
    x.push_back(static_cast<double>(t));
    x.push_back(static_cast<double>(std::nextafter(t, -std::numeric_limits<float>::infinity())));
  }
  if (!soft || !params->thresholds.empty() || params->qmax - params->qmin > kMostSteps) return x;
  for (std::int32_t q = params->qmin; q < params->qmax; ++q) {
    x.push_back((static_cast<double>(q) + 0.5) * static_cast<double>(params->scale[0]));
  }
  return x;
}

// A little beyond the range; thresholds from both sides, so that each step stands where it is. Each a float32, and once.
std::vector<double> arguments(const Span& span, const std::vector<double>& marked) {
  const double margin = 0.1 * (span.high - span.low);
  std::vector<double> x;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const double share = static_cast<double>(i) / (kSamples - 1);
    x.push_back(span.low - margin + share * (span.high - span.low + 2 * margin));
  }
  for (const double at : marked) {
    if (at > x.front() && at < x[kSamples - 1]) x.push_back(at);
  }
  constexpr double kLargest = std::numeric_limits<float>::max();
  for (double& at : x) at = static_cast<double>(static_cast<float>(std::clamp(at, -kLargest, kLargest)));
  std::ranges::sort(x);
  x.erase(std::ranges::unique(x).begin(), x.end());
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

}  // namespace

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

DrawnStaircase drawn_staircase(Quantizer& quantizer, const core::Tensor& whole, std::int64_t epoch) {
  DrawnStaircase drawn;
  if (dynamic_cast<const DynamicUniform*>(&quantizer) != nullptr) return drawn;
  const std::optional<QParams> params = quantizer.params();
  const bool by_channel = params && params->scale.size() > 1;
  if (by_channel && params->granularity != Granularity::kChannel) return drawn;
  const std::int64_t channels = by_channel ? whole.dim(0) : 1;
  const std::int64_t channel = by_channel ? drawn_channel(params->scale) : 0;
  const std::size_t row = whole.values().size() / static_cast<std::size_t>(channels);
  const Span values = span_of(whole.values().subspan(static_cast<std::size_t>(channel) * row, row));
  if (values.empty()) return drawn;
  if (by_channel) drawn.channel = channel;
  drawn.temperature = quantizer.temperature(epoch);
  drawn.argument = arguments(drawn_span(values, reach(quantizer, params, static_cast<std::size_t>(channel))),
                             marked(params, drawn.temperature.has_value()));
  const Rows rows(channels, channel, drawn.argument);
  const Variable input(rows.arguments(), true);
  // Learned numbers receive gradients here, which are dropped again.
  ForwardContext context{.training = true, .epoch = epoch};
  const Variable output = quantizer.forward_within(whole, input, context);
  core::backward(output, core::Tensor::full(output.shape(), 1));
  for (const nn::Parameter& parameter : quantizer.parameters()) parameter.variable.zero_grad();
  drawn.value = rows.drawn(output.value());
  drawn.derivative = rows.drawn(input.grad());
  if (!drawn.temperature) return drawn;
  const core::NoGrad no_grad;
  ForwardContext evaluation;
  drawn.hard = rows.drawn(quantizer.forward_within(whole, Variable(rows.arguments()), evaluation).value());
  return drawn;
}

}  // namespace tempera::quant
