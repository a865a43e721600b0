// Where a grid reaches the end of float32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tempera::quant {

/// The largest scale up to `scale` of which `steps` are still a finite float32; NaN for NaN.
[[nodiscard]] inline float finite_scale(float scale, std::int32_t steps) noexcept {
  constexpr double kLargest = std::numeric_limits<float>::max();
  while (!std::isnan(scale) && !std::isfinite(static_cast<float>(steps) * scale)) {
    scale = std::min(std::nextafter(scale, 0.0F), static_cast<float>(kLargest / std::abs(static_cast<double>(steps))));
  }
  return scale;
}

/// x as a float32; beyond them the last one.
[[nodiscard]] inline float nearest_finite(double x) noexcept {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(x, -kLargest, kLargest));
}

}  // namespace tempera::quant
