// Kernels between sums and values, and between floats and values, against the definitions of kernels/int_table.hpp.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "kernels/int_kernel_checks.hpp"
#include "kernels/support.hpp"
#include "tempera/core/kernels/int_table.hpp"

namespace tempera::test::integer {

// The lists of a requantization, in the order the kernels read them.
struct Columns {
  std::vector<std::int32_t> multiplier;
  std::vector<std::uint64_t> half[2], count[2];  // of even and odd columns
};

inline Columns columns_of(std::int64_t n, std::mt19937& random) {
  Columns all;
  for (std::int64_t j = 0; j < n; ++j) {
    const std::int32_t ends[] = {1 << 30, std::numeric_limits<std::int32_t>::max(), 3 << 29};
    all.multiplier.push_back(random() % 3 == 0 ? ends[random() % 3]
                                               : static_cast<std::int32_t>((1U << 30) | (random() & 0x3FFFFFFF)));
    const std::uint64_t counts[] = {31, 32, 33, 47, 62, 63, 64, 31 + random() % 34};
    const std::uint64_t count = counts[random() % 8];
    all.half[j % 2].push_back(std::uint64_t{1} << (count - 1));
    all.count[j % 2].push_back(count);
  }
  return all;
}

inline std::int32_t half_away(std::int64_t c, std::int64_t multiplier, std::uint64_t count) {
  const Wide product = Wide{c} * multiplier, half = Wide{1} << (count - 1);
  const Wide magnitude = ((product < 0 ? -product : product) + half) >> count;
  return static_cast<std::int32_t>(product < 0 ? -magnitude : magnitude);
}

template <class Cell>
void check_requant_tile(void (*requant)(const RequantTile&) noexcept, std::int64_t columns, std::int64_t n,
                        std::mt19937& random) {
  constexpr bool kBytes = sizeof(Cell) == 1;
  constexpr std::int32_t kLow = kBytes ? -100 : -30000, kHigh = kBytes ? 120 : 20000, kOffset = kBytes ? 110 : 1234;
  constexpr Cell kUntouched = 77;
  const std::int64_t whole = (n + columns - 1) / columns * columns, m = 3, c_row = whole + 3, y_row = n + 2;
  const Columns lists = columns_of(whole, random);
  std::vector<std::int32_t> c = integers<std::int32_t>((m - 1) * c_row + whole, n % 3 == 0, random);
  for (std::size_t i = 0; i < c.size(); i += 2) c[i] >>= random() % 32;     // of every size
  for (std::size_t i = 0; i < c.size(); i += 5) c[i] = 1 << random() % 31;  // ties of powers of two
  Guarded<std::int32_t> in(c), multiplier(lists.multiplier);
  Guarded<std::uint64_t> half_even(lists.half[0]), half_odd(lists.half[1]), count_even(lists.count[0]),
      count_odd(lists.count[1]);
  Guarded<Cell> y(std::vector<Cell>(size((m - 1) * y_row + n), kUntouched));
  requant({.m = m,
           .n = n,
           .c = in.data(),
           .c_row = c_row,
           .multiplier = multiplier.data(),
           .half_even = half_even.data(),
           .half_odd = half_odd.data(),
           .count_even = count_even.data(),
           .count_odd = count_odd.data(),
           .low = kLow,
           .high = kHigh,
           .offset = kOffset,
           .y = y.data(),
           .y_row = y_row});
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < (i + 1 < m ? y_row : n); ++j) {
      const Cell got = y.data()[i * y_row + j];
      if (j >= n) {
        REQUIRE(got == kUntouched);  // between the rows
        continue;
      }
      const std::int64_t accumulator = c[size(i * c_row + j)];
      const std::int32_t exact = half_away(accumulator, lists.multiplier[size(j)], lists.count[j % 2][size(j / 2)]);
      REQUIRE(got == std::clamp(exact, kLow, kHigh) + kOffset);
    }
  }
}

/// The exact product rounded half away from zero for every shift, into int16 and bytes; n columns are written and no more.
inline void check_requant(const IntKernelTable& table) {
  std::mt19937 random(13);
  for (std::int64_t n = 1; n <= 3 * table.columns + 1; ++n) {
    CAPTURE(n);
    check_requant_tile<std::int16_t>(table.requant, table.columns, n, random);
    if (table.requant_u8 != nullptr) check_requant_tile<std::uint8_t>(table.requant_u8, table.columns, n, random);
  }
}

struct ValueRange {
  float scale, low, high;
  std::int32_t offset;
};

inline std::int32_t quantized(const ValueRange& r, float x) {
  const double low = static_cast<double>(r.low), high = static_cast<double>(r.high);
  const double ratio = std::isnan(x) ? 0 : static_cast<double>(x / r.scale);
  const double inside = std::clamp(ratio, low - 1, high + 1), below = std::floor(inside), rest = inside - below;
  const double rounded = below + (rest > 0.5 || (rest == 0.5 && std::fmod(below, 2) != 0) ? 1 : 0);
  return static_cast<std::int32_t>(std::clamp(rounded, low, high)) + r.offset;
}

template <class Kernel, class Cell>
void check_quantized(Kernel quantize, const ValueRange& r, const std::vector<float>& x, Cell /*of y*/) {
  Guarded<float> in(x);
  Guarded<Cell> y(x.size());
  quantize(static_cast<std::int64_t>(x.size()), in.data(), r.scale, r.low, r.high, r.offset, y.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(r.scale);
    CAPTURE(x[i]);
    REQUIRE(y.data()[i] == quantized(r, x[i]));
  }
}
inline void check_values(const IntKernelTable& table, const ValueRange& r, const std::vector<float>& x) {
  check_quantized(table.quantize_s16, r, x, std::int16_t{});
  const float offset = static_cast<float>(r.offset);
  if (table.quantize_u8 == nullptr || r.low + offset < 0 || r.high + offset > 255) return;
  check_quantized(table.quantize_u8, r, x, std::uint8_t{});
}

/// True division, half to even, NaN as 0, infinities at the ends.
inline void check_quantize(const IntKernelTable& table) {
  for (const ValueRange r :
       {ValueRange{0.5F, -128, 127, 0}, ValueRange{0.5F, -100, 27, 128}, ValueRange{0.1F, -255, 0, 127},
        ValueRange{3, 0, 65535, -32768}, ValueRange{1e-3F, -65535, 0, 32767}, ValueRange{1e30F, -4, 3, 0}}) {
    for (const std::int64_t n : kSizes) {
      std::vector<float> x = uniform(n, static_cast<double>(2 * r.low) - 9, static_cast<double>(2 * r.high) + 9, 3);
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = i % 6 == 5 ? kSpecial[i % kSpecial.size()] : std::round(x[i]) / 2 * r.scale;  // ties
      }
      check_values(table, r, x);
    }
  }
}

inline void check_quantize_ties(const IntKernelTable& table) {
  std::mt19937 random(11);
  for (int round = 0; round < 40; ++round) {
    const float low = round % 3 == 0 ? -4096.0F : round % 3 == 1 ? -128.0F : 0.0F;
    const float scale =
        round < 6 ? std::array{0x1p-60F, 0x1p60F, 0x1.FFFFFEp-60F, 0x1.FFFFFEp0F, 0x1.000002p0F, 0x1p-100F}[size(round)]
                  : any_scale(random);
    const ValueRange r{scale, low, low + (round % 3 == 0 ? 8191.0F : 255.0F), round % 3 == 1 ? 128 : 0};
    check_values(table, r, beside_ties(r.scale, r.low, r.high, random));
  }
}

}  // namespace tempera::test::integer
