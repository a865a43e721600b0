#include "tempera/quant/qparams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/errors.hpp"

namespace tempera::quant {

double round_to(double x, Rounding rounding) noexcept {
  switch (rounding) {
    case Rounding::kHalfAway:
      return std::round(x);
    case Rounding::kHalfUp: {
      // Not ⌊x + ½⌋ as it stands: for the largest number below ½ that sum is 1.
      const double below = std::floor(x);
      return x - below >= 0.5 ? below + 1 : below;
    }
    case Rounding::kFloor:
      return std::floor(x);
    case Rounding::kHalfEven:
    case Rounding::kStochastic:
      break;
  }
  // Half to even, unless a program changes the processor's mode: at 1.5·2⁵² neighbours are one apart. What is too large for
  // that to be exact goes the long way.
  constexpr double kOnes = 0x1.8p52;
  return std::abs(x) < 0x1p50 ? std::copysign((x + kOnes) - kOnes, x) : std::nearbyint(x);
}

std::size_t QParams::slot(std::int64_t index, const core::Shape& shape) const noexcept {
  if (scale.size() == 1) return 0;
  const std::int64_t row = shape.numel() / shape[0];
  if (granularity == Granularity::kChannel) return static_cast<std::size_t>(index / row);
  const std::int64_t groups = (row + group - 1) / group;
  return static_cast<std::size_t>(index / row * groups + index % row / group);
}

std::int32_t QParams::quantize(float x, std::size_t slot) const noexcept {
  if (!thresholds.empty()) {
    if (std::isnan(x)) return zero_point[slot];
    return qmin + static_cast<std::int32_t>(std::ranges::upper_bound(thresholds, x) - thresholds.begin());
  }
  const float ratio = x / scale[slot];
  const double q = round_to(static_cast<double>(ratio), rounding) + zero_point[slot];
  // NaN fails both comparisons and becomes the zero point.
  if (std::isnan(q)) return zero_point[slot];
  return static_cast<std::int32_t>(std::clamp<double>(q, qmin, qmax));
}

QParams QParams::of_values() const {
  QParams grid = *this;
  grid.thresholds.clear();
  return grid;
}

bool QParams::symmetric() const noexcept {
  return std::ranges::all_of(zero_point, [](std::int32_t z) { return z == 0; });
}

void set_range(QParams& params, int bits, bool is_signed, bool narrow) {
  if (bits < 2 || bits > 16) {
    throw core::ConfigError(fmt::format("\"bits\" must be from 2 to 16, received {}{}{}", bits, bits < 2 ? "; " : "",
                                        bits < 2 ? kInsteadOfSigns : ""));
  }
  params.bits = bits;
  params.is_signed = is_signed;
  const std::int32_t half = 1 << (bits - 1);
  params.qmax = is_signed ? half - 1 : 2 * half - 1;
  params.qmin = !is_signed ? 0 : narrow ? -half + 1 : -half;
}

}  // namespace tempera::quant
