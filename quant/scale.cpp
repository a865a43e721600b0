#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/finite_scale.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

float to_power_of_two(float scale) noexcept {
  return static_cast<float>(std::exp2(std::nearbyint(std::log2(static_cast<double>(scale)))));
}

// A positive, normal, finite float32.
float usable(double scale, bool power_of_two) noexcept {
  constexpr double kLargest = std::numeric_limits<float>::max();
  auto narrowed = static_cast<float>(std::clamp<double>(scale, kSmallestScale, kLargest));
  constexpr float kLargestPower = 0x1p127F;
  if (power_of_two) narrowed = to_power_of_two(std::min(narrowed, kLargestPower));
  return std::max(narrowed, kSmallestScale);
}

// Far from the last float32.
constexpr double kSafeEnd = 1e37;

// Rounding outwards takes the last float32 beyond the last float32: the integers that the ends become must stand for finite
// numbers.
void keep_finite(QParams& params, std::size_t slot, double low, double high, bool power_of_two) noexcept {
  float& scale = params.scale[slot];
  if (-low < kSafeEnd && high < kSafeEnd) return;  // integers lie within half a step, or a scale, of the ends
  for (const double end : {low, high}) {
    const std::int32_t steps = params.quantize(static_cast<float>(end), slot) - params.zero_point[slot];
    if (std::isfinite(static_cast<float>(steps) * scale)) continue;
    scale = power_of_two ? scale / 2 : finite_scale(scale, steps);
  }
}

struct Ends {
  Scalar low = std::numeric_limits<Scalar>::infinity(), high = -std::numeric_limits<Scalar>::infinity();
};

Ends joined(const Ends& a, const Ends& b) noexcept {
  if (std::isnan(a.low)) return a;
  if (std::isnan(b.low)) return b;
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

// NaN both if any is NaN.
Ends ends(std::span<const Scalar> values) {
  const auto of_part = [&](std::int64_t begin, std::int64_t end) {
    Ends part;
    core::kernels().min_max(end - begin, values.data() + begin, &part.low, &part.high);
    return part;
  };
  return core::parallel_reduce(static_cast<std::int64_t>(values.size()), kRunGrain, Ends(), of_part, joined);
}

}  // namespace

void set_scale(QParams& params, std::size_t slot, Range range, const ScaleRule& rule) noexcept {
  const double low = std::min(0.0, static_cast<double>(range.low));
  const double high = std::max(0.0, static_cast<double>(range.high));
  std::int32_t zero = rule.symmetric ? 0 : std::clamp(0, params.qmin, params.qmax);
  if (low == 0 && high == 0) {
    params.scale[slot] = 1;
    params.zero_point[slot] = zero;
    return;
  }
  if (rule.symmetric) {
    const double largest = params.is_signed ? std::max(-low, high) : high;
    const double steps = params.qmax + (rule.full_range ? 0.5 : 0.0);
    params.scale[slot] = largest == 0 ? 1.0F : usable(largest / steps, rule.power_of_two);
    params.zero_point[slot] = 0;
    keep_finite(params, slot, low, high, rule.power_of_two);
    return;
  }
  const float scale = usable((high - low) / (params.qmax - params.qmin), rule.power_of_two);
  params.scale[slot] = scale;
  const double exact = params.qmin - static_cast<double>(static_cast<float>(low) / scale);
  params.zero_point[slot] =
      static_cast<std::int32_t>(std::clamp<double>(std::nearbyint(exact), params.qmin, params.qmax));
  keep_finite(params, slot, low, high, rule.power_of_two);
}

Range finite_range(std::span<const Scalar> values, const std::string& site) {
  const auto [low, high] = ends(values);
  if (std::isfinite(low) && std::isfinite(high)) return {static_cast<float>(low), static_cast<float>(high)};
  throw core::NumericError(
      site, -1,
      fmt::format("a value to choose the range of integers by is not finite: {}", std::isfinite(low) ? high : low));
}

}  // namespace tempera::quant
