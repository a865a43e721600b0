// Fixed-point requantization: from an accumulator at one scale to integers at another (Jacob et al. 2018, §2.2; gemmlowp).
#pragma once

#include <cstdint>
#include <string_view>

namespace tempera::quant {

/// How an accumulator is multiplied by M = s_x·s_w/s_y.
enum class RequantMode {
  kSingle,          ///< one rounding of the exact 64-bit product, half away from zero
  kGemmlowpDouble,  ///< gemmlowp's two roundings: SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT
  kFloat32,         ///< a float32 product, rounded half to even, as frameworks without fixed point do
};
inline constexpr std::string_view kRequantModes[] = {"single", "gemmlowp_double", "float32"};

/// M = multiplier·2^(−31)·2^(−shift), multiplier in [2^30, 2^31), shift in [kSmallestShift, kLargestShift]; a negative
/// shift is M ≥ 1. Float32 mode uses `real` alone.
struct Multiplier {
  std::int32_t multiplier = 0;
  std::int32_t shift = 0;
  float real = 0;

  friend bool operator==(const Multiplier&, const Multiplier&) = default;
};

inline constexpr std::int32_t kSmallestShift = -31;
/// From here on every int32 gives 0 in every mode, so smaller M are stored as this.
inline constexpr std::int32_t kLargestShift = 33;

/// The nearest such numbers to `real` > 0. Throws UnsupportedError for one that is not finite and positive, or from
/// 2^31 upwards (an M so small that every int32 gives 0 is legal).
[[nodiscard]] Multiplier multiplier_of(double real);

/// round(accumulator·M) as `mode` says, before any zero point; saturates to int32. In gemmlowp's mode an M ≥ 1 shifts the
/// accumulator first, as TensorFlow Lite's MultiplyByQuantizedMultiplier does, but saturating where that would overflow.
[[nodiscard]] std::int32_t requantize(std::int32_t accumulator, const Multiplier& m, RequantMode mode) noexcept;

}  // namespace tempera::quant
