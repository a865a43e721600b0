// The kernels of minimal filtering against what they are for: correlations with a filter, computed one product at a time.
// The transforms of weights are written out here once more, from interpolation (Winograd 1980), and exact fractions.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/int_kernel_checks.hpp"
#include "kernels/support.hpp"
#include "tempera/core/kernels/int_table.hpp"

namespace tempera::test::integer {

// Four outputs of `taps` taps, from `inputs` products; `divisor` is what is left to divide by in one dimension.
struct Interpolation {
  MinimalFilter filter;
  int taps, inputs;
  std::int64_t divisor;
  // A value at a point p of the polynomial with the filter's taps as coefficients, times what makes it whole.
  [[nodiscard]] std::int64_t weight(int position, const std::int64_t* taps_of) const {
    if (taps == 3) {
      const std::int64_t a = taps_of[0], b = taps_of[1], c = taps_of[2];
      const std::int64_t at[] = {6 * a, -4 * (a + b + c), -4 * (a - b + c), a + 2 * b + 4 * c, a - 2 * b + 4 * c,
                                 8 * c};
      return at[position];
    }
    const std::int64_t points[] = {0, 1, -1, 2, -2};
    const std::int64_t times[] = {-90, -20, -20, 1, 1};
    std::int64_t sum = 0;
    for (int i = taps - 1; i >= 0; --i) {
      if (position < 5) sum = sum * points[position] + taps_of[i];
      if (position == 5) sum += taps_of[i] * (16 >> i);
      if (position == 6) sum += taps_of[i] * (16 >> i) * (i % 2 == 0 ? 1 : -1);
    }
    return position < 5 ? sum * times[position] : position < 7 ? sum : 90 * taps_of[taps - 1];
  }
};
inline constexpr Interpolation kThreeTaps{MinimalFilter::kThree, 3, 6, 24}, kFiveTaps{MinimalFilter::kFive, 5, 8, 360};

// Images of a row [1] or a square [inputs], `width` values at every cell; as large as transforms still fit int16.
inline std::vector<std::int16_t> cells(std::int64_t count, bool extreme, std::mt19937& random) {
  std::vector<std::int16_t> values(size(count));
  for (std::int16_t& v : values) {
    v = static_cast<std::int16_t>(extreme ? (random() % 2 == 0 ? -255 : 255) : static_cast<int>(random() % 511) - 255);
  }
  return values;
}

// Transformed inputs of one dimension times transformed weights, summed up by filter_outputs of one dimension (five taps) or,
// applied in both, of two (three taps), are the correlation.
inline void check_filter(const IntKernelTable& table, const Interpolation& f, std::int64_t tiles, bool extreme,
                         std::mt19937& random) {
  const bool both = f.taps == 3;
  const std::int64_t columns = table.columns, n = f.inputs, lines = both ? n : 1, taps = f.taps;
  const std::int64_t steps = 4 * (tiles - 1) + n, width = columns;  // a channel for each column
  const auto x = cells(lines * steps * width, extreme, random);
  std::vector<std::int64_t> weights(size((both ? taps : 1) * taps * columns));
  for (auto& w : weights)
    w = extreme ? (random() % 2 == 0 ? -127 : 127) : static_cast<std::int64_t>(random() % 255) - 127;
  const int at = static_cast<int>(f.filter);

  Guarded<std::int16_t> image(x), half(size(lines * steps * width)), inputs(size(lines * n * tiles * width));
  const std::int16_t* rows = image.data();
  if (both) {
    table.filter_inputs[at]({.runs = 1,
                             .width = steps * width,
                             .x = image.data(),
                             .x_step = steps * width,
                             .y = half.data(),
                             .y_step = steps * width});
    rows = half.data();
  }
  for (std::int64_t l = 0; l < lines; ++l) {
    table.filter_inputs[at]({.runs = tiles,
                             .width = width,
                             .x = rows + l * steps * width,
                             .x_run = 4 * width,
                             .x_step = width,
                             .y = inputs.data() + l * n * tiles * width,
                             .y_run = width,
                             .y_step = tiles * width});
  }

  Guarded<std::int32_t> sums(size(lines * n * tiles * columns)), outputs(size((both ? 4 : 1) * tiles * 4 * columns));
  for (std::int64_t l = 0; l < lines; ++l) {
    for (int k = 0; k < n; ++k) {
      for (std::int64_t i = 0; i < tiles * columns; ++i) {
        std::int64_t along[5] = {};  // the filter's rows, each transformed along itself
        for (std::int64_t t = 0; t < (both ? taps : 1); ++t) {
          std::int64_t row[5] = {};
          for (std::int64_t s = 0; s < taps; ++s) row[s] = weights[size((t * taps + s) * columns + i % columns)];
          along[t] = f.weight(k, row);
        }
        const std::int64_t w = both ? f.weight(static_cast<int>(l), along) : along[0];
        const std::int64_t position = (l * n + k) * tiles * columns + i;
        sums.data()[position] = wrapped(w * inputs.data()[position]);
      }
    }
  }
  const std::int64_t line = 4 * tiles * columns;
  table.filter_outputs[at]({.tiles = tiles,
                            .x = sums.data(),
                            .x_line = n * tiles * columns,
                            .x_step = tiles * columns,
                            .y = outputs.data(),
                            .y_tile = 4 * columns,
                            .y_line = line,
                            .y_step = columns});
  for (std::int64_t oy = 0; oy < (both ? 4 : 1); ++oy) {
    for (std::int64_t ox = 0; ox < 4 * tiles; ++ox) {
      for (std::int64_t c = 0; c < columns; ++c) {
        std::int64_t sum = 0;
        for (std::int64_t t = 0; t < (both ? taps : 1); ++t) {
          for (std::int64_t s = 0; s < taps; ++s) {
            sum += weights[size((t * taps + s) * columns + c)] * x[size(((oy + t) * steps + ox + s) * width + c)];
          }
        }
        REQUIRE(outputs.data()[oy * line + ox * columns + c] == sum);
      }
    }
  }
}

/// Correlations with filters of 3 × 3 and of 5, bit by bit, also at the largest values.
inline void check_filters(const IntKernelTable& table) {
  std::mt19937 random(15);
  for (const std::int64_t tiles : {1, 2, 5}) {
    for (int i = 0; i < 40; ++i) {
      CAPTURE(tiles);
      check_filter(table, kThreeTaps, tiles, i % 2 == 0, random);
      check_filter(table, kFiveTaps, tiles, i % 2 == 0, random);
    }
  }
}

/// A number of values that no vector fits is transformed like any other, and nothing outside is touched.
inline void check_filter_widths(const IntKernelTable& table) {
  std::mt19937 random(16);
  for (const auto& [filter, n] : {std::pair{0, 6}, std::pair{1, 8}}) {
    for (const std::int64_t width : kSizes) {
      if (width == 0 || width > 200) continue;
      const auto values = cells(n * width, false, random);
      Guarded<std::int16_t> x(values), y(size(n * width)), one(size(n)), expected(size(n));
      table.filter_inputs[filter](
          {.runs = 1, .width = width, .x = x.data(), .x_step = width, .y = y.data(), .y_step = width});
      for (std::int64_t c = 0; c < width; ++c) {
        for (std::int64_t k = 0; k < n; ++k) one.data()[k] = values[size(k * width + c)];
        int_kernels_of(Isa::kScalar)
            .filter_inputs[filter](
                {.runs = 1, .width = 1, .x = one.data(), .x_step = 1, .y = expected.data(), .y_step = 1});
        for (std::int64_t k = 0; k < n; ++k) REQUIRE(y.data()[k * width + c] == expected.data()[k]);
      }
    }
  }
}

/// The largest of four sums of each column, also onto its own input.
inline void check_pooled_sums(const IntKernelTable& table) {
  std::mt19937 random(17);
  for (const std::int64_t count : {0, 1, 2, 7}) {
    const std::int64_t columns = table.columns, row = 2 * count * columns;
    const auto values = integers<std::int32_t>(2 * row, false, random);
    Guarded<std::int32_t> x(values), y(size(count * columns));
    table.pool_sums({.count = count, .x = x.data(), .x_row = row, .y = y.data()});
    table.pool_sums({.count = count, .x = x.data(), .x_row = row, .y = x.data()});
    for (std::int64_t i = 0; i < count * columns; ++i) {
      const std::int64_t first = i / columns * 2 * columns + i % columns;
      const auto at = [&](std::int64_t k) { return values[size(first + k)]; };
      const std::int32_t largest = std::max({at(0), at(columns), at(row), at(row + columns)});
      REQUIRE(y.data()[i] == largest);
      REQUIRE(x.data()[i] == largest);
    }
  }
}

}  // namespace tempera::test::integer
