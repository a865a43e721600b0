// Products of bfloat16 on any machine: the sources of the AVX512-BF16 and AMX kernels with their instructions emulated in
// plain code, the kernels themselves where the processor has them, and the product built on them. Oracles: the definitions of
// the packed forms, the sums in double precision of operands rounded by core/bfloat16.hpp (which bf16_test.cpp holds to its
// definition), and, in every bit, plain loops that add in the order which docs/guide/precision.md declares.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/emulated_tiles.hpp"
#include "kernels/support.hpp"
#include "tempera/core/bf16_gemm.hpp"
#include "tempera/core/bfloat16.hpp"
#include "tempera/core/parallel.hpp"

namespace {

using namespace tempera::core;
using namespace tempera::test;

float first_of(std::uint32_t word) { return bf16_value(static_cast<std::uint16_t>(word)); }
float second_of(std::uint32_t word) { return bf16_value(static_cast<std::uint16_t>(word >> 16U)); }

// VDPBF16PS (Intel SDM): in each lane the products of the second numbers are added, then those of the first.
struct Pairs {
  struct Sum {
    float lanes[16];
  };
  struct Vector {
    std::uint32_t words[16];
  };
  static Sum zero() { return {}; }
  static Vector load(const std::uint32_t* x) {
    Vector v{};
    std::memcpy(v.words, x, sizeof v.words);
    return v;
  }
  static Vector broadcast(const std::uint32_t* x) {
    Vector v{};
    for (std::uint32_t& word : v.words) word = *x;
    return v;
  }
  static Sum dot(Sum sum, const Vector& a, const Vector& b) {
    for (int i = 0; i < 16; ++i) {
      sum.lanes[i] = std::fma(second_of(a.words[i]), second_of(b.words[i]), sum.lanes[i]);
      sum.lanes[i] = std::fma(first_of(a.words[i]), first_of(b.words[i]), sum.lanes[i]);
    }
    return sum;
  }
  static void store(float* y, const Sum& x) { std::memcpy(y, x.lanes, sizeof x.lanes); }
};

// TDPBF16PS (Intel SDM): in each element the products of the first numbers are added up over the words of a row, those of
// the second likewise, and then the sum of both to the element.
struct Tiles : tempera::test::EmulatedTiles {
  static std::uint32_t word(int tile, int row, int column) {
    std::uint32_t value = 0;
    std::memcpy(&value, data[tile][row] + 4 * column, 4);
    return value;
  }
  template <int C, int A, int B>
  static void dot() {
    REQUIRE(rows(A) == rows(C));
    REQUIRE(rows(B) * 4 == bytes(A));
    REQUIRE(bytes(B) == bytes(C));
    for (int i = 0; i < rows(C); ++i) {
      for (int j = 0; j < bytes(C) / 4; ++j) {
        float first = 0, second = 0, sum = 0;
        for (int k = 0; k < rows(B); ++k) {
          first = std::fma(first_of(word(A, i, k)), first_of(word(B, k, j)), first);
          second = std::fma(second_of(word(A, i, k)), second_of(word(B, k, j)), second);
        }
        std::memcpy(&sum, data[C][i] + 4 * j, 4);
        sum += first + second;
        std::memcpy(data[C][i] + 4 * j, &sum, 4);
      }
    }
  }
};

#include "../../core/kernels/bf16_pack.ipp"

namespace dots {
#include "../../core/kernels/bf16_dot.ipp"
}
namespace amx {
#include "../../core/kernels/amx_tiles.ipp"
#include "../../core/kernels/bf16_amx.ipp"
}  // namespace amx

Bf16KernelTable table_of(std::int64_t depth, void (*strip)(const Bf16Strip&) noexcept) {
  Bf16KernelTable table = bf16_kernels_of(Isa::kScalar);
  table.instructions = "emulated";
  table.depth = depth;
  table.pack_a = pack_a;
  table.pack_b = pack_b;
  table.strip = strip;
  return table;
}

struct Way {
  Bf16KernelTable table;
  float (*sum)(std::int64_t k, const float* a, const float* b);  // in the declared order, of rounded operands
};

float sum_by_words(std::int64_t k, const float* a, const float* b) {
  float sum = 0;
  for (std::int64_t p = 0; p < k; p += 2) {
    if (p + 1 < k) sum = std::fma(a[p + 1], b[p + 1], sum);
    sum = std::fma(a[p], b[p], sum);
  }
  return sum;
}

float sum_by_tiles(std::int64_t k, const float* a, const float* b) {
  const std::int64_t words = (k + 1) / 2, tiles = (words + 15) / 16, depth = (words + tiles - 1) / tiles;
  float sum = 0;
  for (std::int64_t p = 0; p < k; p += 2 * depth) {
    float halves[2] = {0, 0};
    for (std::int64_t i = p; i < std::min(k, p + 2 * depth); ++i) halves[i % 2] = std::fma(a[i], b[i], halves[i % 2]);
    sum += halves[0] + halves[1];
  }
  return sum;
}

// The emulated ways, and those of this processor, whose instructions and optimized packing no emulation sees.
const std::vector<Way>& ways() {
  static const std::vector<Way> all = [] {
    std::vector<Way> some{{table_of(1, dots::strip), sum_by_words}, {table_of(16, amx::strip), sum_by_tiles}};
    const Bf16KernelTable& native = bf16_kernels();
    if (native.strip != nullptr) some.push_back({native, native.depth == 1 ? sum_by_words : sum_by_tiles});
    return some;
  }();
  return all;
}

struct Variant {
  bool transpose_a = false, transpose_b = false, accumulate = false, column_bias = false, row_bias = false,
       relu = false;
  std::int64_t padding = 0;
};

// A product on operands that end at inaccessible pages, against the oracle.
void check_product(const Way& e, std::int64_t m, std::int64_t n, std::int64_t k, const Variant& v) {
  CAPTURE(e.table.instructions);
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  const std::int64_t lda = (v.transpose_a ? m : k) + v.padding, ldb = (v.transpose_b ? k : n) + v.padding;
  const std::int64_t ldc = n + v.padding;
  const auto size = [&](std::int64_t rows, std::int64_t columns, std::int64_t stride) {
    return (rows - 1) * stride + columns;
  };
  Guarded<float> a(uniform(v.transpose_a ? size(k, m, lda) : size(m, k, lda), -1, 1, 1));
  Guarded<float> b(uniform(v.transpose_b ? size(n, k, ldb) : size(k, n, ldb), -1, 1, 2));
  const std::vector<float> before = uniform(size(m, n, ldc), -1, 1, 3);
  Guarded<float> c(before), columns(uniform(n, -1, 1, 4)), rows(uniform(m, -1, 1, 5));
  detail::bf16_gemm({.m = m,
                     .n = n,
                     .k = k,
                     .a = a.data(),
                     .lda = lda,
                     .transpose_a = v.transpose_a,
                     .b = b.data(),
                     .ldb = ldb,
                     .transpose_b = v.transpose_b,
                     .c = c.data(),
                     .ldc = ldc,
                     .accumulate = v.accumulate,
                     .column_bias = v.column_bias ? columns.data() : nullptr,
                     .row_bias = v.row_bias ? rows.data() : nullptr,
                     .relu = v.relu,
                     .precision = Precision::kBf16},
                    e.table);
  std::vector<float> left(static_cast<std::size_t>(k)), right(left);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < ldc && i * ldc + j < static_cast<std::int64_t>(before.size()); ++j) {
      const float got = c.data()[i * ldc + j], was = before[static_cast<std::size_t>(i * ldc + j)];
      if (j >= n) {
        REQUIRE(got == was);  // between the rows
        continue;
      }
      double exact = 0, magnitude = 0;
      for (std::int64_t p = 0; p < k; ++p) {
        const float x = rounded_to_bf16(v.transpose_a ? a.data()[p * lda + i] : a.data()[i * lda + p]);
        const float y = rounded_to_bf16(v.transpose_b ? b.data()[j * ldb + p] : b.data()[p * ldb + j]);
        left[static_cast<std::size_t>(p)] = x;
        right[static_cast<std::size_t>(p)] = y;
        exact += static_cast<double>(x) * static_cast<double>(y);
        magnitude += std::abs(static_cast<double>(x) * static_cast<double>(y));
      }
      float expected = e.sum(k, left.data(), right.data());
      REQUIRE(std::abs(static_cast<double>(expected) - exact) <= static_cast<double>(k) * kUlp * magnitude);
      if (v.accumulate) expected += was;
      if (v.column_bias) expected += columns.data()[j];
      if (v.row_bias) expected += rows.data()[i];
      if (v.relu && expected < 0) expected = 0;
      REQUIRE(got == expected);
    }
  }
}

const std::vector<Variant> kVariants{{},
                                     {.transpose_b = true, .column_bias = true, .relu = true},
                                     {.transpose_a = true, .padding = 3},
                                     {.transpose_a = true, .transpose_b = true, .accumulate = true, .padding = 1},
                                     {.row_bias = true, .relu = true, .padding = 2}};

}  // namespace

TEST_CASE("a block of sixteen by sixteen words is transposed") {
  Block block;
  for (std::int64_t i = 0; i < 256; ++i) block.rows[i / 16][i % 16] = static_cast<std::uint32_t>(i);
  transpose(block);
  for (std::int64_t i = 0; i < 256; ++i) CHECK(block.rows[i % 16][i / 16] == static_cast<std::uint32_t>(i));
}

TEST_CASE(
    "products of bfloat16 by words and by tiles, emulated and native, are the sums of their definition in the declared "
    "order") {
  for (const Way& e : ways()) {
    for (const Variant& v : kVariants) {
      for (const std::int64_t m : {1, 2, 13, 14, 15, 16, 17, 31, 32, 33, 47, 65}) {
        for (const std::int64_t n : {1, 15, 16, 17, 32, 33}) check_product(e, m, n, 37, v);
      }
      for (const std::int64_t k : {1, 2, 3, 15, 16, 31, 32, 33, 34, 63, 64, 65, 100, 131}) {
        check_product(e, 19, 35, k, v);
        check_product(e, 1, 1, k, v);
      }
    }
  }
}

TEST_CASE("rows of more than one chunk, and strips of more than one thread, are the same products") {
  const int before = thread_count();
  for (const Way& e : ways()) {
    for (const int threads : {1, 2, 3}) {
      set_thread_count(threads);
      check_product(e, 259, 70, 90, {.transpose_b = true});
      check_product(e, 300, 40, 9, {.transpose_a = true, .padding = 5});
    }
  }
  set_thread_count(before);
}

TEST_CASE("every way to multiply gives the same whole numbers once rounding has taken away what was beside them") {
  const std::int64_t m = 9, n = 21, k = 50;
  std::vector<float> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n)),
      c(static_cast<std::size_t>(m * n));
  const auto whole = [](std::size_t i, std::size_t most) {
    return static_cast<float>(1 + i % most) * (i % 3 == 0 ? -1.0F : 1.0F);
  };
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = whole(i, 7) + 0x1p-10F;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = whole(i, 5) - 0x1p-10F;
  std::vector<Bf16KernelTable> tables{bf16_kernels(), bf16_kernels_of(Isa::kScalar)};
  for (const Way& e : ways()) tables.push_back(e.table);
  for (const Bf16KernelTable& table : tables) {
    detail::bf16_gemm(
        {.m = m, .n = n, .k = k, .a = a.data(), .lda = k, .b = b.data(), .ldb = n, .c = c.data(), .ldc = n}, table);
    for (std::int64_t i = 0; i < m * n; ++i) {
      float sum = 0;
      for (std::int64_t p = 0; p < k; ++p) {
        sum += whole(static_cast<std::size_t>(i / n * k + p), 7) * whole(static_cast<std::size_t>(p * n + i % n), 5);
      }
      REQUIRE(c[static_cast<std::size_t>(i)] == sum);
    }
  }
}
