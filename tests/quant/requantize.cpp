// Oracle of the default mode: exact rational arithmetic in 128 bits. Oracle of gemmlowp's mode: its published definition
// (fixedpoint/fixedpoint.h), stated here as exact quotients instead of shifts and masks.
#include "tempera/quant/requantize.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "tempera/core/errors.hpp"

namespace {

using namespace tempera::quant;
__extension__ typedef __int128 Wide;  // no part of ISO C++

constexpr std::int32_t kSmallest = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kLargest = std::numeric_limits<std::int32_t>::max();

std::int32_t saturate(Wide x) {
  return static_cast<std::int32_t>(x < kSmallest ? kSmallest : x > kLargest ? kLargest : x);
}

// numerator/denominator (> 0) rounded half away from zero.
Wide half_away(Wide numerator, Wide denominator) {
  const Wide magnitude = numerator < 0 ? -numerator : numerator;
  const Wide rounded = (2 * magnitude + denominator) / (2 * denominator);
  return numerator < 0 ? -rounded : rounded;
}

std::int32_t exact_single(std::int32_t acc, const Multiplier& m) {
  return saturate(half_away(Wide{acc} * m.multiplier, Wide{1} << (31 + m.shift)));
}

// The high half of the doubled product rounds to nearest, ties upwards (the nudge of a negative product is 1 − 2^30 and
// the division truncates); the division by a power of two rounds ties away from zero.
std::int32_t gemmlowp(std::int32_t acc, const Multiplier& m) {
  const std::int32_t left = saturate(m.shift < 0 ? Wide{acc} << -m.shift : Wide{acc});
  const Wide product = Wide{left} * m.multiplier, half = Wide{1} << 30, whole = Wide{1} << 31;
  const Wide up = product + half;  // ⌊(product + ½·2^31) / 2^31⌋
  const Wide high = up >= 0 ? up / whole : -((-up + whole - 1) / whole);
  return saturate(half_away(high, Wide{1} << (m.shift > 0 ? m.shift : 0)));
}

const std::vector<std::int32_t> kAccumulators{0,
                                              1,
                                              -1,
                                              2,
                                              -2,
                                              3,
                                              -3,
                                              127,
                                              -128,
                                              255,
                                              32767,
                                              -32768,
                                              1 << 24,
                                              -(1 << 24),
                                              (1 << 24) + 1,
                                              1 << 30,
                                              -(1 << 30),
                                              kLargest,
                                              kLargest - 1,
                                              kSmallest,
                                              kSmallest + 1};

template <class Check>
void over_extremes_and_random(const Check& check) {
  std::mt19937_64 random(7);
  std::vector<std::int32_t> accumulators = kAccumulators;
  for (int i = 0; i < 200; ++i) {
    const auto bits = static_cast<int>(random() % 32);
    accumulators.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(random()) >> (32 + bits)));
  }
  for (int shift = kSmallestShift; shift <= kLargestShift; ++shift) {
    std::vector<std::int32_t> multipliers{1 << 30, (1 << 30) + 1, 3 << 29, kLargest, kLargest - 1};
    for (int i = 0; i < 20; ++i) multipliers.push_back(static_cast<std::int32_t>((1U << 30) | (random() & 0x3FFFFFFF)));
    for (const std::int32_t multiplier : multipliers) {
      const Multiplier m{multiplier, shift, static_cast<float>(std::ldexp(multiplier, -31 - shift))};
      for (const std::int32_t acc : accumulators) check(acc, m);
    }
  }
}

}  // namespace

TEST_CASE("the default mode is the exact product rounded once, half away from zero") {
  std::int64_t wrong = 0;
  over_extremes_and_random([&](std::int32_t acc, const Multiplier& m) {
    wrong += requantize(acc, m, RequantMode::kSingle) != exact_single(acc, m) ? 1 : 0;
  });
  CHECK(wrong == 0);
}

TEST_CASE("gemmlowp's mode rounds twice as its definition does") {
  std::int64_t wrong = 0;
  over_extremes_and_random([&](std::int32_t acc, const Multiplier& m) {
    wrong += requantize(acc, m, RequantMode::kGemmlowpDouble) != gemmlowp(acc, m) ? 1 : 0;
  });
  CHECK(wrong == 0);
}

TEST_CASE("gemmlowp's mode breaks ties upwards in the high product and away from 0 in the shift") {
  // By hand: the accumulator times 2^30 (M = ½ of what the shift leaves), rounded to the high half, then shifted.
  const auto at = [](std::int32_t acc, std::int32_t multiplier, std::int32_t shift) {
    return requantize(acc, {multiplier, shift, 0}, RequantMode::kGemmlowpDouble);
  };
  constexpr std::int32_t kHalf = 1 << 30;
  CHECK(at(1, kHalf, 0) == 1);    // ½
  CHECK(at(-1, kHalf, 0) == 0);   // −½
  CHECK(at(-3, kHalf, 0) == -1);  // −1½
  CHECK(at(2, kHalf, 1) == 1);    // 1, then ½
  CHECK(at(-2, kHalf, 1) == -1);  // −1, then −½
  CHECK(at(1, kHalf, 1) == 1);    // ¼ is ½ of ½: rounded up twice
  CHECK(at(-1, kHalf, 1) == 0);
  CHECK(at(kSmallest, kLargest, 0) == -kLargest);
  CHECK(at(kLargest, kLargest, 0) == kLargest - 1);   // 2^31 − 2 + 2^−31
  CHECK(at(kLargest, kLargest, -1) == kLargest - 1);  // doubled, and saturated before it is multiplied
  CHECK(at(kSmallest, kLargest, -31) == -kLargest);
  CHECK(at(kLargest, kHalf, 31) == 1);    // 2^30 − ½ goes up to 2^30, which is half of 2^31
  CHECK(at(kSmallest, kHalf, 31) == -1);  // −2^30
  CHECK(at(kSmallest, kLargest, 32) == 0);
  CHECK(at(kSmallest, kLargest, 33) == 0);
}

TEST_CASE("the modes differ where two roundings make a tie out of less than a half") {
  const Multiplier below{(1 << 30) + (1 << 20), 10, 0};  // 2^-11·(1 + 2^-10)
  std::int64_t differences = 0;
  for (std::int32_t acc = 0; acc < 100000; ++acc) {
    const std::int32_t once = requantize(acc, below, RequantMode::kSingle);
    const std::int32_t twice = requantize(acc, below, RequantMode::kGemmlowpDouble);
    CHECK(std::abs(once - twice) <= 1);
    differences += once != twice ? 1 : 0;
  }
  CHECK(differences > 0);
}

TEST_CASE("float32 mode is the float product rounded half to even, as numpy.rint gives it") {
  const auto at = [](std::int32_t acc, double real) {
    return requantize(acc, multiplier_of(real), RequantMode::kFloat32);
  };
  CHECK(at(1, 0.5) == 0);
  CHECK(at(3, 0.5) == 2);
  CHECK(at(-1, 0.5) == 0);
  CHECK(at(-3, 0.5) == -2);
  CHECK(at((1 << 24) + 1, 1.0) == 1 << 24);  // the accumulator itself is rounded
  CHECK(at(kLargest, 1.0) == kLargest);
  CHECK(at(kLargest, 16.0) == kLargest);
  CHECK(at(kSmallest, 16.0) == kSmallest);
}

TEST_CASE("a multiplier is the nearest Q31 number") {
  for (const double real : {1.0, 0.5, 0.75, 1.0 / 3, 3.14159, 1e-5, 1234.5, 2147483647.0, 0.0078125}) {
    const Multiplier m = multiplier_of(real);
    CAPTURE(real);
    CHECK(m.multiplier >= 1 << 30);
    CHECK(std::abs(std::ldexp(m.multiplier, -31 - m.shift) - real) <= std::ldexp(real, -31));
    CHECK(m.real == static_cast<float>(real));
  }
  CHECK(multiplier_of(0.5) == Multiplier{1 << 30, 0, 0.5F});
  CHECK(multiplier_of(1 - std::ldexp(1.0, -40)) ==
        Multiplier{1 << 30, -1, 1.0F});  // rounds up to the next power of two
}

TEST_CASE("multipliers too small to give anything but 0 are legal") {
  for (const double real : {std::ldexp(1.0, -33), 1e-20, 1e-300, std::numeric_limits<double>::denorm_min()}) {
    const Multiplier m = multiplier_of(real);
    for (const std::int32_t acc : kAccumulators) {
      CHECK(requantize(acc, m, RequantMode::kSingle) == 0);
      CHECK(requantize(acc, m, RequantMode::kFloat32) == 0);
    }
  }
}

TEST_CASE("a multiplier that is zero, negative, not finite or 2^31 is refused") {
  for (const double real : {0.0, -1.0, std::nan(""), HUGE_VAL, 2147483648.0, 2147483647.9999}) {
    CHECK_THROWS_AS(static_cast<void>(multiplier_of(real)), tempera::core::UnsupportedError);
  }
}
