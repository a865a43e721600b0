// The integer kernels of the level in use, against their definitions; see int_kernel_checks.hpp and int_value_checks.hpp.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "kernels/int_filter_checks.hpp"
#include "kernels/int_kernel_checks.hpp"
#include "kernels/int_value_checks.hpp"

namespace {

using namespace tempera::test;
using namespace tempera::test::integer;

}  // namespace

TEST_CASE("dot products of pairs are exact modulo 2^32, at every tile, and read their buffers alone") {
  const IntKernelTable& t = int_kernels();
  check_tiles<std::int16_t, std::int16_t, 2>(t.dot_pairs, t.columns, t.rows);
  check_tiles<std::int16_t, std::int8_t, 2>(t.dot_pairs_s8, t.columns, t.rows);
}

TEST_CASE("dot products of pairs take the steps that are listed for a tile's rows, and no other") {
  const IntKernelTable& t = int_kernels();
  check_listed_tiles<std::int16_t, std::int16_t>(t.dot_pairs, t.columns, t.rows);
  check_listed_tiles<std::int16_t, std::int8_t>(t.dot_pairs_s8, t.columns, t.rows);
}

TEST_CASE("dot products of four bytes are exact, 255 · −128 and 255 · 127 too") {
  const IntKernelTable& t = int_kernels();
  if (t.dot_quads == nullptr) return;  // below avx512vnni
  check_tiles<std::uint8_t, std::int8_t, 4>(t.dot_quads, t.columns, t.quad_rows);
  check_panels(t.dot_quads, t.columns);
}

TEST_CASE("steps that one instruction cannot hold are filled up to whole instructions") {
  IntKernelTable table;
  table.quad_depth = 16;
  const std::vector<std::pair<std::int64_t, std::int64_t>> cases{{0, 0},   {1, 1},   {16, 16}, {17, 32},
                                                                 {25, 32}, {33, 48}, {49, 64}, {196, 208}};
  for (const auto& [steps, filled] : cases) CHECK(quad_steps(table, 1, steps) == filled);
  table.quad_depth = 1;
  CHECK(quad_steps(table, 1, 17) == 17);
  CHECK(quad_steps(table, 3, 17) == 17);
}

TEST_CASE("steps of several segments are filled up to instructions of equal depth") {
  IntKernelTable table;
  table.quad_depth = 16;
  const std::vector<std::pair<std::int64_t, std::int64_t>> cases{{0, 0},   {1, 1},   {16, 16},
                                                                 {17, 18}, {25, 26}, {49, 52}};
  for (const auto& [steps, filled] : cases) CHECK(quad_steps(table, 3, steps) == filled);
}

TEST_CASE("minimal filtering gives correlations with filters of 3 × 3 and of 5 taps, bit by bit") {
  check_filters(int_kernels());
  check_filter_widths(int_kernels());
}

TEST_CASE("pooled sums are the largest of each two by two, on their own input too") {
  check_pooled_sums(int_kernels());
}

TEST_CASE("sparse rows add up the steps that are listed, in every panel") { check_sparse(int_kernels()); }

TEST_CASE("requantization rounds the exact product half away from zero for every shift, and writes n columns") {
  check_requant(int_kernels());
}

TEST_CASE("floats become int16 and bytes by true division, half to even, with NaN as 0 and infinities at the ends") {
  check_quantize(int_kernels());
  check_quantize_ties(int_kernels());
}

TEST_CASE("int16 become bytes and bytes int16, at every size") {
  for (const std::int64_t n : kSizes) {
    std::vector<std::int16_t> x(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int16_t>(i * 37 % 256 - 128);
    Guarded<std::int16_t> in(x);
    Guarded<std::uint8_t> y(x.size());
    int_kernels().narrow_u8(n, in.data(), 128, y.data());
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(y.data()[i] == i * 37 % 256);
    Guarded<std::int16_t> back(x.size());
    int_kernels().widen_u8(n, y.data(), -128, back.data());
    REQUIRE(back.values() == x);
  }
}

TEST_CASE("sums that stay wide lose an offset modulo 2^32, at every size and distance of rows") {
  for (const std::int64_t n : {0, 1, 7, 16, 31, 32, 33}) {
    constexpr std::int64_t kRows = 3;
    const std::int64_t c_row = n + 2, y_row = n + 1;
    std::mt19937 random(static_cast<unsigned>(n));
    const auto sums = integers<std::int32_t>(kRows * c_row - 2, true, random);
    Guarded<std::int32_t> c(sums), y(size(kRows * y_row - 1));
    std::ranges::fill_n(y.data(), kRows * y_row - 1, 77);
    constexpr std::int32_t kOffset = 5;
    int_kernels().wide_sums(
        {.m = kRows, .n = n, .c = c.data(), .c_row = c_row, .offset = kOffset, .y = y.data(), .y_row = y_row});
    for (std::int64_t i = 0; i < kRows * y_row - 1; ++i) {
      const std::int64_t row = i / y_row, column = i % y_row;
      const std::int64_t exact = column < n ? std::int64_t{sums[size(row * c_row + column)]} - kOffset : 77;
      REQUIRE(y.data()[i] == wrapped(exact));
    }
  }
}

TEST_CASE("windows of channels give their largest value and their sum of products, and read their cells alone") {
  check_windows(int_kernels());
}

TEST_CASE("windows are written out run by run, with runs of every length, and nothing beside them") {
  for (const std::int64_t bytes : {1, 2, 5, 31, 63, 64, 65, 100, 128, 130}) {
    for (const std::int64_t columns : {1, 3}) {
      CAPTURE(bytes);
      constexpr std::int64_t kRows = 2, kWindows = 3, kFirst = 4;
      const std::int64_t column_step = bytes + 3, row_step = columns * column_step + 5,
                         to_row = kRows * columns * bytes + 7;
      const std::int64_t reach = kFirst + row_step + (columns - 1) * column_step + bytes;
      std::mt19937 random(static_cast<unsigned>(bytes));
      Guarded<std::uint8_t> image(integers<std::uint8_t>(reach + kWindows - 1, false, random));
      std::vector<const void*> corners;
      for (std::int64_t i = 0; i < kWindows; ++i) corners.push_back(image.data() + i);
      Guarded<std::uint8_t> copies(size(kWindows * to_row - 7));
      std::vector<std::uint8_t> expected(size(kWindows * to_row - 7), 0xAB);
      std::ranges::copy(expected, copies.data());
      for (std::int64_t i = 0; i < kWindows; ++i) {
        for (std::int64_t k = 0; k < kRows * columns * bytes; ++k) {
          const std::int64_t run = k / bytes;
          expected[size(i * to_row + k)] =
              image.data()[i + kFirst + run / columns * row_step + run % columns * column_step + k % bytes];
        }
      }
      int_kernels().copy_windows({.m = kWindows,
                                  .a = corners.data(),
                                  .first = kFirst,
                                  .rows = kRows,
                                  .row_step = row_step,
                                  .columns = columns,
                                  .column_step = column_step,
                                  .bytes = bytes,
                                  .to = copies.data(),
                                  .to_row = to_row});
      REQUIRE(copies.values() == expected);
    }
  }
}
