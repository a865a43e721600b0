#include "tempera/quant/requantize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tempera/core/errors.hpp"

namespace tempera::quant {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int32_t>::max();

std::int32_t saturate(std::int64_t x) noexcept { return static_cast<std::int32_t>(std::clamp(x, kMin, kMax)); }

// product / 2^bits, half away from zero. |product| < 2^62, so that adding a half overflows nothing for bits ≤ 62.
std::int32_t single(std::int64_t product, int bits) noexcept {
  if (bits > 62) return 0;
  const std::int64_t half = bits == 0 ? 0 : std::int64_t{1} << (bits - 1);
  const std::int64_t magnitude = (std::abs(product) + half) >> bits;
  return saturate(product < 0 ? -magnitude : magnitude);
}

// gemmlowp, fixedpoint.h: (a·b + nudge) / 2^31 with a division that truncates. Its one overflow, −2^31 · −2^31, cannot
// occur with a positive b, but the definition keeps it.
std::int32_t saturating_rounding_doubling_high_mul(std::int32_t a, std::int32_t b) noexcept {
  if (a == kMin && b == kMin) return static_cast<std::int32_t>(kMax);
  const std::int64_t product = static_cast<std::int64_t>(a) * b;
  const std::int64_t nudge = product >= 0 ? std::int64_t{1} << 30 : 1 - (std::int64_t{1} << 30);
  return static_cast<std::int32_t>((product + nudge) / (std::int64_t{1} << 31));
}

// gemmlowp, fixedpoint.h; in 64 bits, so that exponents beyond its limit of 31 go on as the definition would.
std::int32_t rounding_divide_by_pot(std::int32_t x, int exponent) noexcept {
  const std::int64_t mask = (std::int64_t{1} << exponent) - 1;
  const std::int64_t remainder = x & mask;
  const std::int64_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return static_cast<std::int32_t>((static_cast<std::int64_t>(x) >> exponent) + (remainder > threshold ? 1 : 0));
}

std::int32_t by_float(std::int32_t accumulator, float real) noexcept {
  const float product = std::nearbyint(static_cast<float>(accumulator) * real);
  if (product >= 2147483648.0F) return static_cast<std::int32_t>(kMax);
  if (product <= -2147483648.0F) return static_cast<std::int32_t>(kMin);
  return static_cast<std::int32_t>(product);
}

}  // namespace

Multiplier multiplier_of(double real) {
  if (!std::isfinite(real) || real <= 0) {
    throw core::UnsupportedError("multiplier", fmt::format("must be finite and above 0, received {}", real));
  }
  int exponent = 0;
  std::int64_t mantissa = std::llround(std::ldexp(std::frexp(real, &exponent), 31));
  if (mantissa == std::int64_t{1} << 31) {
    mantissa /= 2;
    ++exponent;
  }
  if (-exponent < kSmallestShift) {
    throw core::UnsupportedError(
        "multiplier",
        fmt::format("must be below 2^31, received {}: the unit of what comes in over that of what goes out. The "
                    "values of this site are very small beside the products that make them: did "
                    "training diverge, or is there a batch norm with a variance of nearly 0?",
                    real));
  }
  Multiplier m{.multiplier = static_cast<std::int32_t>(mantissa), .shift = -exponent, .real = static_cast<float>(real)};
  if (m.shift >= kLargestShift) {
    m.multiplier = 1 << 30;
    m.shift = kLargestShift;
  }
  return m;
}

std::int32_t requantize(std::int32_t accumulator, const Multiplier& m, RequantMode mode) noexcept {
  switch (mode) {
    case RequantMode::kFloat32:
      return by_float(accumulator, m.real);
    case RequantMode::kGemmlowpDouble: {
      const std::int32_t shifted =
          m.shift >= 0 ? accumulator : saturate(static_cast<std::int64_t>(accumulator) * (std::int64_t{1} << -m.shift));
      return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(shifted, m.multiplier), std::max(m.shift, 0));
    }
    case RequantMode::kSingle:
      break;
  }
  return single(static_cast<std::int64_t>(accumulator) * m.multiplier, 31 + m.shift);
}

}  // namespace tempera::quant
