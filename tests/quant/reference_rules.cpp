// The two rules that engine and reference have in common, so that comparing them proves nothing: how sums are divided, and
// what becomes of an accumulator. Oracle: their definitions as exact quotients of 128-bit integers, which hold every number
// here without rounding.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "tempera/quant/reference/operations.hpp"

namespace {

using namespace tempera::quant;
__extension__ typedef __int128 Wide;  // no part of ISO C++

constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kTwo62 = std::int64_t{1} << 62;

// The one whole number q for which |n − q·d| is least; of two, the one the rounding asks for. d > 0.
Wide nearest(Wide n, Wide d, Rounding rounding) {
  Wide q = n / d;                                         // towards 0
  while (q * d > n) --q;                                  // ⌊n/d⌋
  const Wide below = n - q * d, above = (q + 1) * d - n;  // distances from q and q + 1
  if (rounding == Rounding::kFloor || below < above) return q;
  if (above < below) return q + 1;
  if (rounding == Rounding::kHalfUp) return q + 1;
  if (rounding == Rounding::kHalfAway) return n > 0 ? q + 1 : q;
  return q % 2 == 0 ? q : q + 1;
}

std::int32_t clamped(Wide x, std::int32_t low, std::int32_t high) {
  return static_cast<std::int32_t>(x < low ? Wide{low} : x > high ? Wide{high} : x);
}

constexpr Rounding kAll[] = {Rounding::kHalfEven, Rounding::kHalfAway, Rounding::kHalfUp, Rounding::kFloor,
                             Rounding::kStochastic};

TEST_CASE("ties go to the even, away from 0, up and down") {
  const auto at = [](std::int64_t n, std::int64_t d) {
    std::vector<std::int64_t> all;
    for (const Rounding rounding : kAll) all.push_back(reference::divide(n, d, rounding));
    return all;
  };
  using List = std::vector<std::int64_t>;  // even, away, up, floor, and stochastic, which is for training only: even
  CHECK(at(1, 2) == List{0, 1, 1, 0, 0});
  CHECK(at(-1, 2) == List{0, -1, 0, -1, 0});
  CHECK(at(3, 2) == List{2, 2, 2, 1, 2});
  CHECK(at(-3, 2) == List{-2, -2, -1, -2, -2});
  CHECK(at(5, 2) == List{2, 3, 3, 2, 2});
  CHECK(at(-5, 2) == List{-2, -3, -2, -3, -2});
  CHECK(at(-7, 3) == List{-2, -2, -2, -3, -2});
  CHECK(at(-8, 3) == List{-3, -3, -3, -3, -3});
}

TEST_CASE("quotients are rounded exactly for every divisor of an average and every shift of a sum") {
  std::mt19937_64 random(11);
  std::vector<std::int64_t> divisors;
  for (std::int64_t cells = 1; cells <= 200; ++cells) divisors.push_back(cells);
  for (int shift = 0; shift <= 62; ++shift) divisors.push_back(std::int64_t{1} << shift);
  std::int64_t wrong = 0, ties = 0;
  for (const std::int64_t d : divisors) {
    std::vector<std::int64_t> numerators{0, 1, -1, kMin, kMax, kTwo62 - 1, -(kTwo62 - 1)};
    for (int i = 0; i < 60; ++i) {
      // About a multiple and a half of d, and anywhere below 2^62.
      const std::int64_t q = static_cast<std::int64_t>(random() % 2001) - 1000;
      const Wide tie = Wide{q} * d + d / 2;
      for (const Wide n : {tie - 1, tie, tie + 1, Wide{q} * d}) {
        if (n < kTwo62 && n > -kTwo62) numerators.push_back(static_cast<std::int64_t>(n));
      }
      numerators.push_back(static_cast<std::int64_t>(random()) >> (2 + random() % 60));
    }
    for (const std::int64_t n : numerators) {
      ties += Wide{2} * n % d == 0 && Wide{n} % d != 0 ? 1 : 0;
      for (const Rounding rounding : kAll) {
        wrong += reference::divide(n, d, rounding) != nearest(n, d, rounding) ? 1 : 0;
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(ties > 5000);
}

// Each channel has a multiplier of its own: M = multiplier·2^(−31−shift).
std::int32_t by_definition(const Requant& r, std::int32_t accumulator, std::size_t channel) {
  const Multiplier& m = r.multipliers[r.multipliers.size() == 1 ? 0 : channel];
  const Wide scaled = nearest(Wide{accumulator} * m.multiplier, Wide{1} << (31 + m.shift), Rounding::kHalfAway);
  return clamped(Wide{clamped(scaled, kMin, kMax)} + r.zero_point, r.low, r.high);
}

TEST_CASE("an accumulator is multiplied and rounded once, moved by the zero point and then kept in range") {
  std::mt19937_64 random(12);
  struct Kept {
    std::int32_t zero_point, low, high;
  };
  std::int64_t wrong = 0, ties = 0, inside = 0;
  for (const Kept& kept : {Kept{0, -128, 127},
                           {-128, -128, 127},
                           {255, 0, 255},
                           {3, 3, 255},
                           {-7, -32768, 32767},
                           {65535, 0, 65535},
                           {0, kMin, kMax}}) {
    for (int shift = kSmallestShift; shift <= kLargestShift; ++shift) {
      Requant r{.multipliers = {}, .zero_point = kept.zero_point, .low = kept.low, .high = kept.high};
      for (const std::int32_t multiplier : {1 << 30, (1 << 30) + 1, 3 << 29, kMax}) {
        r.multipliers.push_back({.multiplier = multiplier, .shift = shift, .real = 0});
      }
      std::vector<std::int32_t> accumulators{0, 1, -1, 2, -2, 3, -3, kMin, kMin + 1, kMax, kMax - 1};
      for (int bit = 0; bit < 31; ++bit) {
        for (const std::int32_t sign : {1, -1}) {
          for (const std::int32_t near : {-1, 0, 1}) accumulators.push_back(sign * ((1 << bit) + near));
        }
      }
      for (int i = 0; i < 50; ++i) {
        accumulators.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(random()) >> (32 + random() % 31)));
      }
      for (const std::int32_t accumulator : accumulators) {
        for (std::size_t channel = 0; channel < r.multipliers.size(); ++channel) {
          const std::int32_t y = reference::apply(r, accumulator, static_cast<std::int64_t>(channel));
          wrong += y != by_definition(r, accumulator, channel) ? 1 : 0;
          inside += y > kept.low && y < kept.high ? 1 : 0;
          const Wide product = Wide{accumulator} * r.multipliers[channel].multiplier, whole = Wide{1} << (31 + shift);
          ties += accumulator < 0 && product % whole == -whole / 2 && shift > -31 ? 1 : 0;
        }
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(ties > 100);  // of negative accumulators
  CHECK(inside > 10000);
}

TEST_CASE("one multiplier serves every channel") {
  const Requant r{.multipliers = {multiplier_of(0.5)}, .zero_point = 10, .low = 0, .high = 255};
  for (const std::int64_t channel : {0, 1, 700}) {
    CHECK(reference::apply(r, 5, channel) == 13);   // 2½ goes away from 0
    CHECK(reference::apply(r, -5, channel) == 7);   // and so does −2½
    CHECK(reference::apply(r, -21, channel) == 0);  // −10½ + 10 is below the range
    CHECK(reference::apply(r, kMax, channel) == 255);
  }
}

// low + how many thresholds t are reached: accumulator ≥ t, or ≤ t with a direction of −1.
TEST_CASE("thresholds count how many an accumulator reaches, each channel its own, from either side") {
  std::mt19937_64 random(13);
  Requant r{.multipliers = {}, .zero_point = 0, .low = -2, .high = 5};
  r.thresholds.emplace();
  r.thresholds->directions = {1, -1, 1};
  for (int channel = 0; channel < 3; ++channel) {
    std::vector<std::int32_t> own{kMin, kMax};
    for (int i = 0; i < 5; ++i) own.push_back(static_cast<std::int32_t>(random() % 41) - 20);
    std::ranges::sort(own);
    r.thresholds->values.insert(r.thresholds->values.end(), own.begin(), own.end());
  }
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (const std::int32_t accumulator : {kMin, kMin + 1, -21, -20, -7, -1, 0, 1, 5, 19, 20, 21, kMax - 1, kMax}) {
      std::int32_t expected = r.low;
      for (std::size_t i = 0; i < 7; ++i) {
        const std::int32_t t = r.thresholds->values[channel * 7 + i];
        expected += (channel == 1 ? accumulator <= t : accumulator >= t) ? 1 : 0;
      }
      CAPTURE(channel);
      CAPTURE(accumulator);
      CHECK(reference::apply(r, accumulator, static_cast<std::int64_t>(channel)) == expected);
    }
  }
}

}  // namespace
