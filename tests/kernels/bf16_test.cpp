// Rounding to bfloat16. Oracle: its definition in numbers, not in bits: the multiple of 2^(exponent − 7) that is nearest, ties
// to the even multiple, exponents not below −126, infinity from half a step beyond the largest number on.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/bfloat16.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace {

using namespace tempera::test;
using tempera::core::bf16_kernels;

constexpr double kLargest = 0x1.FEp127;  // 255/128 · 2^127

double nearest_bf16(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  const double step = std::ldexp(1.0, std::max(std::ilogb(x), -126) - 7);
  const double ratio = x / step, below = std::floor(ratio), rest = ratio - below;  // exact: step is a power of two
  const double whole = below + (rest > 0.5 || (rest == 0.5 && std::fmod(below, 2) != 0) ? 1 : 0);
  const double result = std::copysign(whole * step, x);
  return std::abs(result) > kLargest ? std::copysign(std::numeric_limits<double>::infinity(), x) : result;
}

// The upper half of a pattern with the lower halves at which roundings change.
std::vector<float> neighbours(std::uint32_t upper) {
  std::vector<float> all;
  for (const std::uint32_t lower : {0U, 1U, 0x0ABCU, 0x7FFEU, 0x7FFFU, 0x8000U, 0x8001U, 0xC000U, 0xFFFEU, 0xFFFFU}) {
    all.push_back(std::bit_cast<float>(upper << 16U | lower));
  }
  return all;
}

std::vector<float> rounded(const std::vector<float>& x) {
  Guarded<float> in(x), out(x.size());
  bf16_kernels().round(static_cast<std::int64_t>(x.size()), in.data(), out.data());
  return out.values();
}

}  // namespace

TEST_CASE("every upper half with every lower half that matters is rounded to the nearest bfloat16, ties to even") {
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    const std::vector<float> x = neighbours(upper), y = rounded(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto from = std::bit_cast<std::uint32_t>(x[i]), to = std::bit_cast<std::uint32_t>(y[i]);
      if (std::isnan(x[i])) {  // quiet, with its sign and what else fits
        REQUIRE(to == ((from & 0xFFFF0000U) | 0x00400000U));
      } else {
        REQUIRE(to == std::bit_cast<std::uint32_t>(static_cast<float>(nearest_bf16(static_cast<double>(x[i])))));
      }
      REQUIRE(tempera::core::bf16_bits(x[i]) == to >> 16U);
      REQUIRE((to & 0xFFFFU) == 0);
    }
  }
}

TEST_CASE("a double is rounded to bfloat16 once, not by way of the nearest float") {
  // Half a step above 1 and a trifle more: as a float it is the tie, which goes to 1.
  CHECK(tempera::core::rounded_to_bf16(1 + 0x1p-8 + 0x1p-40) == 1 + 0x1p-7);
  CHECK(tempera::core::rounded_to_bf16(1 + 0x1p-8 - 0x1p-40) == 1);
  CHECK(tempera::core::rounded_to_bf16(-(1 + 0x1p-8 + 0x1p-40)) == -(1 + 0x1p-7));
  CHECK(std::isinf(tempera::core::rounded_to_bf16(1e300)));
  CHECK(std::isinf(tempera::core::rounded_to_bf16(0x1.FFp127)));  // half a step beyond the largest
  CHECK(tempera::core::rounded_to_bf16(0x1.FEFFFFFFFFFp127) == kLargest);
  CHECK(std::isnan(tempera::core::rounded_to_bf16(std::numeric_limits<double>::quiet_NaN())));
  for (std::uint32_t upper = 0; upper < 0x7F80; ++upper) {
    const auto at = static_cast<double>(std::bit_cast<float>(upper << 16U));
    const auto tie = static_cast<double>(std::bit_cast<float>(upper << 16U | 0x8000U));
    for (const double x : {at, tie, std::nextafter(tie, 0.0), std::nextafter(tie, 1e300), std::nextafter(at, 1e300)}) {
      REQUIRE(tempera::core::rounded_to_bf16(x) == nearest_bf16(x));
      REQUIRE(tempera::core::rounded_to_bf16(-x) == nearest_bf16(-x));
    }
  }
}

TEST_CASE("rounding to bfloat16 writes its values and no others, at every size, in place and not") {
  for (const std::int64_t n : kSizes) {
    CAPTURE(n);
    std::vector<float> x = uniform(n, -3, 3, 5);
    for (std::size_t i = 0; i < x.size(); i += 3) x[i] = kSpecial[i % kSpecial.size()];
    const std::vector<float> y = rounded(x);
    std::vector<float> expected;
    for (const float v : x) expected.push_back(static_cast<float>(nearest_bf16(static_cast<double>(v))));
    CHECK(first_far(y, expected, 0, 0) == -1);
    Guarded<float> place(x);
    bf16_kernels().round(n, place.data(), place.data());
    CHECK(first_far(place.values(), expected, 0, 0) == -1);
    Guarded<float> wide(std::vector<float>(x.size() + 2, -5.0F));
    Guarded<float> in(x);
    bf16_kernels().round(n, in.data(), wide.data() + 1);
    CHECK(wide.values().front() == -5);
    CHECK(wide.values().back() == -5);
  }
}

TEST_CASE("a level below those with products of bfloat16 has none") {
  for (const auto level : tempera::core::available_isas()) {
    const auto& table = tempera::core::bf16_kernels_of(level);
    CHECK(table.level == level);
    REQUIRE((table.round != nullptr));
    if (level < tempera::core::Isa::kAvx512) CHECK(table.instructions.empty());
    CHECK(table.instructions.empty() == !table.strip);
    CHECK(table.instructions.empty() == !table.pack_a);
    CHECK(table.instructions.empty() == !table.pack_b);
  }
}
