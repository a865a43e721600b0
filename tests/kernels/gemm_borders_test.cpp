// Products at the borders: of memory, of the numbers, and of what sizes anyone thought of. Oracle: the definition, in
// double precision; pages without access behind every operand.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/gemm.hpp"

#if __has_include(<rapidcheck.h>)
#include <rapidcheck.h>
#endif

namespace {

using tempera::test::Guarded;

struct Shape {
  std::int64_t m, n, k;
  bool transpose_a, transpose_b;
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random(std::int64_t count, std::uint64_t seed) { return tempera::test::uniform(count, -1, 1, seed); }

// A product whose operands end where memory ends; what is asked of C is asked element by element.
struct Bordered {
  Shape shape;
  Guarded<float> a, b, c;

  Bordered(const Shape& s, const std::vector<float>& left, const std::vector<float>& right)
      : shape(s), a(std::span(left)), b(std::span(right)), c(static_cast<std::size_t>(s.m * s.n)) {
    tempera::core::gemm({.m = s.m,
                         .n = s.n,
                         .k = s.k,
                         .a = a.data(),
                         .lda = s.transpose_a ? s.m : s.k,
                         .transpose_a = s.transpose_a,
                         .b = b.data(),
                         .ldb = s.transpose_b ? s.k : s.n,
                         .transpose_b = s.transpose_b,
                         .c = c.data(),
                         .ldc = s.n});
  }

  [[nodiscard]] float a_at(std::int64_t i, std::int64_t p) {
    return a.data()[shape.transpose_a ? p * shape.m + i : i * shape.k + p];
  }
  [[nodiscard]] float b_at(std::int64_t p, std::int64_t j) {
    return b.data()[shape.transpose_b ? j * shape.k + p : p * shape.n + j];
  }

  // Within what rounding explains in any order of summation (Higham 2002, eq. 3.5).
  [[nodiscard]] bool is_the_product() {
    for (std::int64_t i = 0; i < shape.m; ++i) {
      for (std::int64_t j = 0; j < shape.n; ++j) {
        double sum = 0, magnitude = 0;
        for (std::int64_t p = 0; p < shape.k; ++p) {
          const double term = static_cast<double>(a_at(i, p)) * static_cast<double>(b_at(p, j));
          sum += term;
          magnitude += std::abs(term);
        }
        const double unit = static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
        const double bound = static_cast<double>(shape.k + 1) * unit * magnitude;
        if (!(std::abs(static_cast<double>(c.data()[i * shape.n + j]) - sum) <= bound)) return false;
      }
    }
    return true;
  }
};

Bordered product(const Shape& s, std::uint64_t seed) {
  return {s, random(s.m * s.k, seed), random(s.k * s.n, seed + 1)};
}

template <class Fn>
void for_transposes(std::int64_t m, std::int64_t n, std::int64_t k, const Fn& fn) {
  for (int bits = 0; bits < 4; ++bits) fn(Shape{m, n, k, (bits & 1) != 0, (bits & 2) != 0});
}

// Around the tiles of every level (4, 6, 14 rows; 16, 32 columns), primes, and what takes several depths and chunks.
constexpr std::array<std::array<std::int64_t, 3>, 22> kShapes{
    {{1, 1, 1},     {1, 33, 7},     {1, 70, 37},  {2, 65, 9},     {3, 200, 401}, {4, 129, 50},
     {5, 15, 16},   {6, 16, 64},    {7, 17, 65},  {13, 31, 3},    {14, 32, 5},   {15, 33, 1},
     {23, 47, 101}, {24, 48, 127},  {25, 49, 13}, {8, 10, 640},   {10, 64, 30},  {40, 9, 129},
     {97, 64, 90},  {61, 113, 517}, {2, 2053, 3}, {130, 33, 1031}}};

}  // namespace

TEST_CASE("a product reads and writes its operands alone, and equals the definition around every tile") {
  for (const auto& [m, n, k] : kShapes) {
    for_transposes(m, n, k, [&, m = m, n = n, k = k](const Shape& s) {
      CAPTURE(m);
      CAPTURE(n);
      CAPTURE(k);
      CAPTURE(s.transpose_a);
      CAPTURE(s.transpose_b);
      Bordered p = product(s, 5);
      CHECK(p.is_the_product());
    });
  }
}

TEST_CASE("NaN and infinity in an operand reach their row or column of a product, and no other element") {
  for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{3, 40, 21}, {7, 17, 65}, {29, 35, 600}, {9, 10, 300}}) {
    for_transposes(m, n, k, [&, m = m, n = n, k = k](const Shape& s) {
      const std::int64_t row = m / 2, column = n - 1, p = k - 2;
      std::vector<float> a = random(m * k, 1), b = random(k * n, 2);
      for (float& x : b) x = std::abs(x) + 0.5F;
      a[static_cast<std::size_t>(s.transpose_a ? p * m + row : row * k + p)] = kInfinity;
      b[static_cast<std::size_t>(s.transpose_b ? column * k + p : p * n + column)] = std::nanf("");
      Bordered product(s, a, b);
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          const float value = product.c.data()[i * n + j];
          CHECK(std::isnan(value) == (j == column));
          if (j != column) CHECK((value == kInfinity) == (i == row));
        }
      }
    });
  }
}

TEST_CASE("a rectifier behind a product lets NaN through") {
  const std::vector<float> a{1, std::nanf(""), -1};
  std::vector<float> b(40, 2), c(120);
  for (const bool few : {true, false}) {
    tempera::core::gemm({.m = 3,
                         .n = few ? 40 : 8,
                         .k = 1,
                         .a = a.data(),
                         .lda = 1,
                         .b = b.data(),
                         .ldb = 40,
                         .c = c.data(),
                         .ldc = 40,
                         .relu = true});
    CHECK(c[0] == 2);
    CHECK(std::isnan(c[40]));
    CHECK(c[80] == 0);
  }
}

TEST_CASE("denormal numbers are multiplied and added as they are") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  for_transposes(9, 35, 11, [&](const Shape& s) {
    Bordered p(s, std::vector<float>(9 * 11, tiny), std::vector<float>(11 * 35, 1.0F));
    for (const float value : p.c.values()) CHECK(value == 11 * tiny);
  });
}

#if __has_include(<rapidcheck.h>)
TEST_CASE("a product of any extents, transposes and alignment equals the definition") {
  const bool holds = rc::check([] {
    const Shape s{*rc::gen::inRange<std::int64_t>(0, 80), *rc::gen::inRange<std::int64_t>(0, 140),
                  *rc::gen::inRange<std::int64_t>(0, 700), *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>()};
    Bordered p = product(s, *rc::gen::inRange<std::uint64_t>(0, 1000));
    RC_ASSERT(p.is_the_product());
  });
  CHECK(holds);
}
#endif
