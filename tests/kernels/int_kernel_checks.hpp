// Integer kernels of a table against the definitions of kernels/int_table.hpp, in 64- and 128-bit loops; all bits have to agree.
// Every buffer is exactly as long as its definition says and ends at a page without access.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <type_traits>

#include "kernels/support.hpp"
#include "tempera/core/kernels/int_table.hpp"

namespace tempera::test::integer {

using namespace core;
using DotKernel = void (*)(const DotTile&) noexcept;
__extension__ typedef __int128 Wide;  // no part of ISO C++

inline std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Anything of T; or the two ends alone, of which pairs overflow sums of 16 bits and, at −2^15, a sum of 32.
template <class T>
std::vector<T> integers(std::int64_t n, bool extreme, std::mt19937& random) {
  constexpr T kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
  std::vector<T> values(size(n));
  for (T& v : values) v = extreme ? (random() % 4 != 0 ? kLow : kHigh) : static_cast<T>(random());
  if (extreme && random() % 2 == 0) std::ranges::fill(values, std::is_signed_v<T> ? kLow : kHigh);
  return values;
}

inline std::int32_t wrapped(std::int64_t x) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(x)); }

// Of `count` lists: which steps of all they take, any of them.
struct Lists {
  std::vector<std::vector<std::int32_t>> steps;
  std::vector<StepList> lists;
  Lists(std::int64_t count, std::int64_t all, std::mt19937& random) : steps(size(count)) {
    for (std::vector<std::int32_t>& list : steps) {
      const auto share = random() % 4;  // none to most of them
      for (std::int64_t p = 0; p < all; ++p) {
        if (random() % 4 < share) list.push_back(static_cast<std::int32_t>(p));
      }
      lists.push_back({.count = std::ssize(list), .steps = list.data()});
    }
  }
  [[nodiscard]] bool takes(std::int64_t list, std::int64_t step) const {
    return std::ranges::binary_search(steps[size(list)], static_cast<std::int32_t>(step));
  }
};

// One tile of dot_pairs, dot_pairs_s8 or dot_quads against its definition; a row's segments lie `gap` bytes apart. With
// `list_rows` so many rows have a list of their steps; the others are not 0, so that taking one would show.
template <class A, class B, std::int64_t Group>
void check_tile(DotKernel kernel, std::int64_t columns, std::int64_t m, std::int64_t n, std::int64_t segments,
                std::int64_t steps, std::int64_t gap, std::mt19937& random, std::int64_t list_rows = 0) {
  const std::int64_t length = 4 * steps, distance = length + gap;
  const bool extreme = random() % 2 == 0;
  const std::int64_t row_bytes = (segments - 1) * distance + length;
  // Rows in equal distances, or each before a page of its own.
  const bool together = random() % 2 == 0;
  const std::int64_t row_distance = segments == 1 ? length + static_cast<std::int64_t>(random() % 70) : row_bytes;
  std::vector<std::vector<A>> values;
  std::vector<std::unique_ptr<Guarded<char>>> rows;
  std::vector<const void*> starts;
  for (std::int64_t i = 0; i < m; ++i) {
    values.push_back(integers<A>(segments * steps * Group, extreme, random));
    if (i == 0 || !together) {
      rows.push_back(std::make_unique<Guarded<char>>(size(row_bytes + (together ? (m - 1) * row_distance : 0))));
    }
    char* row = rows.back()->data() + (together ? i * row_distance : 0);
    const auto* bytes = reinterpret_cast<const char*>(values.back().data());  // null where there are no steps
    for (std::int64_t s = 0; s < segments; ++s) std::copy_n(bytes + s * length, length, row + s * distance);
    starts.push_back(row);
  }
  const std::vector<B> weights = integers<B>(segments * steps * columns * Group, extreme, random);
  // Sums begin with a bias of each column, of each row and column, or with what c holds.
  const auto form = random() % 3;
  const std::vector<std::int32_t> start = integers<std::int32_t>(form == 0 ? columns : m * columns, extreme, random);
  Guarded<B> panel(weights);
  const std::int64_t c_row = form == 2 || random() % 2 == 0 ? columns : columns + 5;
  Guarded<std::int32_t> bias(start), c(size((m - 1) * c_row + columns));
  if (form == 2) std::ranges::copy(start, c.data());
  const std::int64_t list_count = list_rows == 0 ? 0 : (m + list_rows - 1) / list_rows;
  const Lists listed(list_count, steps, random);
  kernel({.m = m,
          .n = n,
          .segments = segments,
          .steps = steps,
          .a = starts.data(),
          .a_segment = distance,
          .lists = list_rows == 0 ? nullptr : listed.lists.data(),
          .panel = panel.data(),
          .bias = form == 2 ? c.data() : bias.data(),
          .bias_row = form == 0 ? 0 : columns,
          .c = c.data(),
          .c_row = c_row == columns ? 0 : c_row});
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      std::int64_t sum = start[size(form == 0 ? j : i * columns + j)];
      for (std::int64_t k = 0; k < segments * steps * Group; ++k) {
        if (list_rows != 0 && !listed.takes(i / list_rows, k / Group)) continue;
        sum += std::int64_t{values[size(i)][size(k)]} * weights[size((k / Group * columns + j) * Group + k % Group)];
      }
      REQUIRE(c.data()[i * c_row + j] == wrapped(sum));
    }
  }
}

template <class A, class B, std::int64_t Group>
void check_tiles(DotKernel kernel, std::int64_t columns, std::int64_t most_rows) {  // of a tile
  std::mt19937 random(11);
  for (std::int64_t m = 1; m <= 2 * most_rows + 1; m += m <= most_rows ? 1 : most_rows) {
    for (const std::int64_t steps : {0, 1, 2, 3, 7, 15, 16, 17, 33}) {
      for (const std::int64_t segments : {1, 3}) {
        CAPTURE(m);
        CAPTURE(steps);
        CAPTURE(segments);
        const auto any = 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(columns));
        check_tile<A, B, Group>(kernel, columns, m, columns, segments, steps, 0, random);
        check_tile<A, B, Group>(kernel, columns, m, any, segments, steps, 6, random);
      }
    }
  }
}

// Several panels at once are those panels one after the other, which check_tiles holds to their definition.
inline void check_panels(DotKernel kernel, std::int64_t columns) {
  std::mt19937 random(17);
  for (const std::int64_t m : {1, 16, 31, 32, 33, 50, 96}) {
    for (const std::int64_t steps : {1, 16, 21}) {
      const std::int64_t panels = 3, last = 1 + m % columns, bytes = steps * columns * 4;
      const auto a = integers<std::uint8_t>(m * steps * 4, false, random);
      const auto weights = integers<std::int8_t>(panels * bytes, false, random);
      const auto bias = integers<std::int32_t>(panels * columns, false, random);
      std::vector<const void*> rows;
      for (std::int64_t i = 0; i < m; ++i) rows.push_back(a.data() + i * steps * 4);
      Guarded<std::int32_t> together(size(panels * m * columns)), alone(size(m * columns));
      DotTile t{.m = m, .n = last, .steps = steps, .a = rows.data(), .panel = weights.data(), .bias = bias.data()};
      t.c = together.data();
      t.panels = panels;
      t.panel_bytes = bytes;
      kernel(t);
      // Side by side as well.
      Guarded<std::int32_t> rows_of_all(size(panels * m * columns));
      t.c = rows_of_all.data();
      t.c_row = panels * columns;
      t.c_panel = columns;
      kernel(t);
      t.c = alone.data();
      t.c_row = t.c_panel = 0;
      t.panels = 1;
      for (std::int64_t p = 0; p < panels; ++p) {
        t.n = p + 1 < panels ? columns : last;
        t.panel = weights.data() + p * bytes;
        t.bias = bias.data() + p * columns;
        kernel(t);
        for (std::int64_t i = 0; i < m * columns; ++i) {
          if (i % columns >= t.n) continue;
          REQUIRE(together.data()[p * m * columns + i] == alone.data()[i]);
          REQUIRE(rows_of_all.data()[(i / columns * panels + p) * columns + i % columns] == alone.data()[i]);
        }
      }
    }
  }
}

template <class A, class B>
void check_listed_tiles(DotKernel kernel, std::int64_t columns, std::int64_t rows) {  // of a tile
  std::mt19937 random(13);
  for (std::int64_t m = 1; m <= 3 * rows + 1; ++m) {
    for (const std::int64_t steps : {0, 1, 2, 16, 33}) {
      CAPTURE(m);
      CAPTURE(steps);
      check_tile<A, B, 2>(kernel, columns, m, columns, 1, steps, 0, random, rows);
      check_tile<A, B, 2>(kernel, columns, m, 1, 1, steps, 0, random, rows);
    }
  }
}

inline void check_sparse_row(const IntKernelTable& table, std::int64_t panels, std::int64_t all_steps,
                             std::mt19937& random) {
  const std::int64_t columns = table.columns;
  std::vector<std::int32_t> steps, values;
  for (std::int64_t s = 0; s < all_steps; ++s) {
    if (random() % 3 == 0) continue;
    steps.push_back(static_cast<std::int32_t>(s));
    const std::vector<std::int16_t> pair = integers<std::int16_t>(2, s % 2 == 0, random);
    std::int32_t packed = 0;
    std::memcpy(&packed, pair.data(), sizeof packed);
    values.push_back(packed);
  }
  const std::int64_t panel_values = all_steps * columns * 2;
  const std::vector<std::int8_t> weights = integers<std::int8_t>(panels * panel_values, panels % 2 == 0, random);
  const std::vector<std::int32_t> start = integers<std::int32_t>(panels * columns, false, random);
  Guarded<std::int32_t> at(steps), of(values), bias(start), c(start.size());
  Guarded<std::int8_t> panel(weights);
  table.dot_sparse({.count = static_cast<std::int64_t>(steps.size()),
                    .steps = at.data(),
                    .values = of.data(),
                    .panels = panels,
                    .panel = panel.data(),
                    .panel_bytes = panel_values,
                    .bias = bias.data(),
                    .c = c.data()});
  for (std::int64_t column = 0; column < panels * columns; ++column) {
    std::int64_t sum = start[size(column)];
    for (std::size_t s = 0; s < steps.size(); ++s) {
      std::int16_t pair[2];
      std::memcpy(pair, &values[s], sizeof pair);
      const std::int8_t* w =
          weights.data() + column / columns * panel_values + (steps[s] * columns + column % columns) * 2;
      sum += std::int64_t{pair[0]} * w[0] + std::int64_t{pair[1]} * w[1];
    }
    REQUIRE(c.data()[column] == wrapped(sum));
  }
}

/// Sparse rows add up the steps that are listed, in every panel.
inline void check_sparse(const IntKernelTable& table) {
  std::mt19937 random(12);
  for (const std::int64_t panels : {1, 2, 3, 4, 5, 9}) {
    for (const std::int64_t all_steps : {1, 2, 17, 64}) {
      CAPTURE(panels);
      CAPTURE(all_steps);
      check_sparse_row(table, panels, all_steps, random);
    }
  }
}

inline void check_windows_of(const IntKernelTable& table, std::int64_t channels, std::int64_t count,
                             const std::vector<std::int64_t>& cells, std::mt19937& random) {
  const std::int64_t taps = static_cast<std::int64_t>(cells.size()), step = 2 * channels;
  std::vector<std::int64_t> offsets;
  for (const std::int64_t cell : cells) offsets.push_back(cell * channels);
  const std::int64_t reach = count == 0 ? 0 : (count - 1) * step + offsets.back() + channels;
  const bool extreme = random() % 2 == 0;
  const auto values = integers<std::int16_t>(reach, extreme, random);
  const auto weights = integers<std::int16_t>(taps * channels, extreme, random);
  const auto start = integers<std::int32_t>(channels, extreme, random);
  Guarded<std::int64_t> at(offsets);
  Guarded<std::int16_t> x(values), weight(weights), largest(size(count * channels));
  Guarded<std::int32_t> bias(start), sums(size(count * channels));
  const ChannelWindows windows{
      .count = count, .channels = channels, .step = step, .cells = taps, .offsets = at.data(), .x = x.data()};
  table.max_windows(windows, largest.data());
  table.dot_windows(windows, weight.data(), bias.data(), sums.data());
  for (std::int64_t i = 0; i < count * channels; ++i) {
    const std::int64_t c = i % channels;
    std::int16_t most = std::numeric_limits<std::int16_t>::min();
    std::int64_t sum = start[size(c)];
    for (std::int64_t k = 0; k < taps; ++k) {
      const std::int16_t value = values[size(i / channels * step + offsets[size(k)] + c)];
      most = std::max(most, value);
      sum += std::int64_t{value} * weights[size(k * channels + c)];
    }
    REQUIRE(largest.data()[i] == most);
    REQUIRE(sums.data()[i] == wrapped(sum));
  }
}

/// The largest value and the sum of products of each window.
inline void check_windows(const IntKernelTable& table) {
  std::mt19937 random(14);
  for (const std::int64_t channels : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 70}) {
    for (const std::vector<std::int64_t>& cells :
         {std::vector<std::int64_t>{0}, {0, 1}, {0, 1, 5, 6}, {0, 1, 2, 5, 6, 7, 10, 11, 12}}) {
      for (const std::int64_t count : {0, 1, 2, 5}) {
        CAPTURE(channels);
        CAPTURE(cells.size());
        CAPTURE(count);
        check_windows_of(table, channels, count, cells, random);
      }
    }
  }
}

}  // namespace tempera::test::integer
