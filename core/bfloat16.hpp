// bfloat16: the upper half of a float32. 8 bits of exponent, 7 of significand, as wide a range at 1/65536 of its density.
//
// The one definition of the conversion (docs: numerics §1): to the nearest, ties to even; subnormals are kept; what is
// larger than the largest by half a step or more becomes infinite; NaN stays NaN and becomes quiet.
#pragma once

#include <cstdint>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

// Always inlined, because kernels are compiled for instruction sets that not every processor has: no object file may carry
// a copy that the linker could take for all.

/// Bits of the bfloat16 nearest to x.
[[gnu::always_inline]] inline constexpr std::uint16_t bf16_bits(float x) noexcept {
  constexpr std::uint32_t kInfinity = 0x7F800000, kSign = 0x80000000, kQuiet = 0x00400000;
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  // Carries into the exponent where the significand overflows, and from the largest number to infinity.
  const std::uint32_t nearest = bits + 0x7FFF + ((bits >> 16) & 1);
  const std::uint32_t kept = (bits & ~kSign) > kInfinity ? bits | kQuiet : nearest;
  return static_cast<std::uint16_t>(kept >> 16);
}

/// The number that a bfloat16 stands for, exactly.
[[gnu::always_inline]] inline constexpr float bf16_value(std::uint16_t bits) noexcept {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
}

[[gnu::always_inline]] inline constexpr float rounded_to_bf16(float x) noexcept { return bf16_value(bf16_bits(x)); }

/// By way of a float rounded to odd: with 16 bits more than bfloat16 it remembers on which side of a tie x lies, so that
/// the two roundings are one.
[[gnu::always_inline]] inline constexpr double rounded_to_bf16(double x) noexcept {
  auto narrow = static_cast<float>(x);
  const auto back = static_cast<double>(narrow);
  if (back != x && x == x) {
    auto bits = __builtin_bit_cast(std::uint32_t, narrow);
    const bool away = (back < 0 ? -back : back) > (x < 0 ? -x : x);
    if (away) --bits;  // towards zero; from infinity to the largest number
    narrow = __builtin_bit_cast(float, bits | 1U);
  }
  return static_cast<double>(rounded_to_bf16(narrow));
}

}  // namespace tempera::core
