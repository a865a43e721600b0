// Oracle: a double loop in double precision over the definition of the product.
#include "tempera/core/gemm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/worse.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"

namespace {

using tempera::Scalar;
using tempera::core::Gemm;

struct Extents {
  std::int64_t m, n, k;
};

struct GemmVariant {
  bool transpose_a = false, transpose_b = false, accumulate = false, column_bias = false, row_bias = false,
       relu = false;
  std::int64_t padding = 0;  // of every row of A, B and C
};

struct Problem {
  Gemm args;
  std::vector<Scalar> a, b, c, column_bias, row_bias;

  Problem(const Extents& e, const GemmVariant& v) {
    args = {.m = e.m, .n = e.n, .k = e.k, .transpose_a = v.transpose_a, .transpose_b = v.transpose_b};
    args.lda = (v.transpose_a ? e.m : e.k) + v.padding;
    args.ldb = (v.transpose_b ? e.k : e.n) + v.padding;
    args.ldc = e.n + v.padding;
    fill(a, (v.transpose_a ? e.k : e.m) * args.lda, "a");
    fill(b, (v.transpose_b ? e.n : e.k) * args.ldb, "b");
    fill(c, e.m * args.ldc, "c");
    fill(column_bias, e.n, "column");
    fill(row_bias, e.m, "row");
    args.accumulate = v.accumulate;
    args.relu = v.relu;
    args.a = a.data();
    args.b = b.data();
    args.c = c.data();
    if (v.column_bias) args.column_bias = column_bias.data();
    if (v.row_bias) args.row_bias = row_bias.data();
  }

  static void fill(std::vector<Scalar>& values, std::int64_t count, const char* stream) {
    values.resize(static_cast<std::size_t>(count));
    tempera::core::Random(7, stream).fill_uniform(values, -1, 1);
  }

  [[nodiscard]] double a_at(std::int64_t i, std::int64_t p) const {
    return static_cast<double>(args.transpose_a ? args.a[p * args.lda + i] : args.a[i * args.lda + p]);
  }
  [[nodiscard]] double b_at(std::int64_t p, std::int64_t j) const {
    return static_cast<double>(args.transpose_b ? args.b[j * args.ldb + p] : args.b[p * args.ldb + j]);
  }

  struct Expected {
    double value = 0, magnitude = 0;
    void add(double term) {
      value += term;
      magnitude += std::abs(term);
    }
  };

  [[nodiscard]] Expected expected(std::int64_t i, std::int64_t j, double before) const {
    Expected sum;
    if (args.accumulate) sum.add(before);
    for (std::int64_t p = 0; p < args.k; ++p) sum.add(a_at(i, p) * b_at(p, j));
    if (args.column_bias != nullptr) sum.add(static_cast<double>(args.column_bias[j]));
    if (args.row_bias != nullptr) sum.add(static_cast<double>(args.row_bias[i]));
    if (args.relu) sum.value = std::max(sum.value, 0.0);
    return sum;
  }
};

// The largest error in units of what rounding can explain in any order of summation, (terms)·u·Σ|term| (Higham 2002,
// "Accuracy and Stability of Numerical Algorithms", eq. 3.5); infinite if padding of C was touched.
double worst_error(const Extents& e, const GemmVariant& v) {
  Problem problem(e, v);
  const std::vector<Scalar> before = problem.c;
  tempera::core::gemm(problem.args);
  const double unit = static_cast<double>(std::numeric_limits<Scalar>::epsilon()) * static_cast<double>(e.k + 3) / 2;
  double worst = 0;
  for (std::int64_t i = 0; i < e.m; ++i) {
    for (std::int64_t j = 0; j < problem.args.ldc; ++j) {
      const auto at = static_cast<std::size_t>(i * problem.args.ldc + j);
      if (j >= e.n) {
        if (problem.c[at] != before[at]) return std::numeric_limits<double>::infinity();
        continue;
      }
      const auto [value, magnitude] = problem.expected(i, j, static_cast<double>(before[at]));
      const double error = std::abs(static_cast<double>(problem.c[at]) - value);
      worst = tempera::test::worse(worst, error == 0 ? 0 : error / (unit * magnitude));
    }
  }
  return worst;
}

const std::vector<Extents> kExtents{{1, 1, 1},   {1, 10, 128},  {3, 5, 7},    {8, 16, 32},   {13, 31, 17},
                                    {14, 32, 5}, {15, 33, 9},   {64, 10, 30}, {29, 65, 83},  {47, 129, 11},
                                    {5, 7, 401}, {31, 3, 1000}, {3, 5, 2500}, {70, 150, 600}};

}  // namespace

TEST_CASE("gemm equals the definition for every transpose, leading dimension and epilogue") {
  for (const Extents& e : kExtents) {
    for (int bits = 0; bits < 64; ++bits) {
      GemmVariant v{.transpose_a = (bits & 1) != 0, .transpose_b = (bits & 2) != 0};
      v.padding = (bits & 4) != 0 ? 3 : 0;
      v.column_bias = (bits & 8) != 0;
      v.row_bias = (bits & 16) != 0;
      v.relu = (bits & 32) != 0;
      CAPTURE(e.m);
      CAPTURE(e.n);
      CAPTURE(e.k);
      CAPTURE(bits);
      CHECK(worst_error(e, v) <= 1);
    }
    GemmVariant accumulate{.accumulate = true, .padding = 1};
    CHECK(worst_error(e, accumulate) <= 1);
  }
}

TEST_CASE(
    "operands that are packed once for all chunks give the definition's products, with ragged last chunks and depths") {
  // A is packed if its rows or columns hurt the caches, B if it is transposed; several chunks either way.
  for (const auto& [e, transpose_a] :
       {std::pair(Extents{270, 140, 330}, true), std::pair(Extents{270, 140, 1024}, false),
        std::pair(Extents{301, 133, 65}, true)}) {
    for (const bool transpose_b : {false, true}) {
      CAPTURE(e.k);
      CAPTURE(transpose_b);
      CHECK(worst_error(e, {.transpose_a = transpose_a, .transpose_b = transpose_b, .column_bias = true}) <= 1);
    }
  }
}

TEST_CASE("a few rows by a large matrix, of which threads take parts of k, equal the definition") {
  for (const Extents& e :
       {Extents{1, 1031, 1033}, Extents{2, 2500, 600}, Extents{3, 701, 1009}, Extents{4, 700, 1501}}) {
    CAPTURE(e.m);
    CHECK(worst_error(e, {}) <= 1);
    CHECK(worst_error(e, {.accumulate = true, .padding = 3}) <= 1);
    CHECK(worst_error(e, {.transpose_a = true, .column_bias = true, .relu = true}) <= 1);
    CHECK(worst_error(e, {.accumulate = true, .column_bias = true, .row_bias = true, .relu = true}) <= 1);
  }
}

TEST_CASE("a product over no terms is zero, or the bias, and leaves an accumulated C as it was") {
  const Extents e{5, 37, 0};
  CHECK(worst_error(e, {}) == 0);
  CHECK(worst_error(e, {.column_bias = true, .relu = true}) == 0);
  CHECK(worst_error(e, {.row_bias = true}) == 0);
  CHECK(worst_error(e, {.accumulate = true}) == 0);
  CHECK(worst_error({0, 4, 3}, {}) == 0);
  CHECK(worst_error({4, 0, 3}, {}) == 0);
}

TEST_CASE("gemm gives the same bits for every thread count") {
  const int before = tempera::core::thread_count();
  for (const Extents& e :
       {Extents{64, 128, 784}, Extents{784, 128, 64}, Extents{37, 1200, 101}, Extents{1, 600, 700},
        Extents{1, 1200, 1200}, Extents{4, 700, 1501}, Extents{600, 10, 333}, Extents{33, 17, 5000}}) {
    for (int bits = 0; bits < 4; ++bits) {
      const GemmVariant v{.transpose_a = (bits & 1) != 0, .transpose_b = (bits & 2) != 0};
      tempera::core::set_thread_count(1);
      Problem first(e, v);
      tempera::core::gemm(first.args);
      for (const int threads : {2, 3, 4, 7}) {
        tempera::core::set_thread_count(threads);
        Problem again(e, v);
        tempera::core::gemm(again.args);
        CHECK(std::memcmp(first.c.data(), again.c.data(), first.c.size() * sizeof(Scalar)) == 0);
      }
    }
  }
  tempera::core::set_thread_count(before);
}

TEST_CASE("a product whose B was packed before has the bits of one that packs it, for any number of rows") {
  using tempera::core::PackedB;
  for (const Extents& e : {Extents{64, 128, 784}, Extents{256, 10, 33}, Extents{1, 600, 700}, Extents{301, 97, 1300}}) {
    for (const bool transposed : {false, true}) {
      const GemmVariant v{.transpose_b = transposed, .column_bias = true, .relu = true, .padding = 3};
      Problem own(e, v), again(e, v);
      tempera::core::gemm(own.args);
      const PackedB packed(again.args);
      again.args.packed_b = &packed;
      if (packs_b(again.args))
        std::ranges::fill(again.b, std::numeric_limits<Scalar>::quiet_NaN());  // not read any more
      tempera::core::gemm(again.args);
      CHECK(std::memcmp(own.c.data(), again.c.data(), own.c.size() * sizeof(Scalar)) == 0);
    }
  }
}

TEST_CASE("B is packed for many rows of a transposed weight, and neither for few nor for a narrow one nor in bf16") {
  const auto packs = [](const Extents& e) { return packs_b(Problem(e, {.transpose_b = true}).args); };
  CHECK(packs({256, 128, 784}));
  CHECK_FALSE(packs({1, 128, 784}));
  CHECK_FALSE(packs({32, 128, 784}));
  CHECK_FALSE(packs({256, tempera::core::kernels().gemm_nr / 2, 784}));
  Problem bf16({256, 128, 784}, {.transpose_b = true});
  bf16.args.precision = tempera::core::Precision::kBf16;
  CHECK_FALSE(packs_b(bf16.args));
  CHECK_FALSE(packs({0, 128, 784}));
  CHECK_FALSE(packs({256, 128, 0}));
}
