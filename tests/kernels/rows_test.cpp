// Oracle: the scalar loops, which sum in double precision and are held to their formulas in scalar_test.cpp. Buffers end
// at pages without access.
#include <doctest/doctest.h>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using namespace tempera::test;
using tempera::core::Isa;
using tempera::core::kernels;
using tempera::core::kernels_of;
using tempera::core::KernelTable;

struct Extents {
  std::int64_t rows, columns;
};
const std::vector<Extents> kMatrices{{0, 5},  {3, 0},  {1, 1},  {64, 10}, {7, 16},
                                     {5, 17}, {3, 33}, {2, 67}, {9, 128}, {2, 1009}};

std::vector<float> rows_of(const KernelTable& table, KernelTable::Rows KernelTable::*kernel, Extents e,
                           const std::vector<float>& x, const std::vector<float>& before) {
  Guarded<float> in(x), out(before);
  (table.*kernel)(e.rows, e.columns, in.data(), out.data());
  return out.values();
}

struct Loss {
  std::vector<float> loss, grad;
};

Loss cross_entropy(const KernelTable& table, Extents e, const std::vector<float>& x, float smoothing, bool with_grad) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(e.rows));
  for (std::size_t r = 0; r < labels.size(); ++r)
    labels[r] = static_cast<std::int32_t>((r * 5 + 3) % static_cast<std::size_t>(e.columns));
  Guarded<float> in(x), loss(labels.size()), grad(x.size());
  Guarded<std::int32_t> targets(labels);
  table.cross_entropy(e.rows, e.columns, in.data(), targets.data(), smoothing, 0.25F, loss.data(),
                      with_grad ? grad.data() : nullptr);
  return {loss.values(), grad.values()};
}

}  // namespace

TEST_CASE("sums agree with the scalar loops at every size") {
  for (const std::int64_t n : kSizes) {
    CAPTURE(n);
    Guarded<float> x(uniform(n, -1, 1, 6));
    const double rounding = kUlp * static_cast<double>(n);
    CHECK(close(kernels().sum(n, x.data()), kernels_of(Isa::kScalar).sum(n, x.data()), 0, rounding));
    CHECK(close(kernels().sum_squares(n, x.data()), kernels_of(Isa::kScalar).sum_squares(n, x.data()), 0, rounding));
  }
}

TEST_CASE("column sums add to what is there") {
  for (const Extents e : kMatrices) {
    const std::vector<float> x = uniform(e.rows * e.columns, -1, 1, 8), y = uniform(e.columns, -1, 1, 9);
    const auto expected = rows_of(kernels_of(Isa::kScalar), &KernelTable::column_sum, e, x, y);
    CHECK(first_far(rows_of(kernels(), &KernelTable::column_sum, e, x, y), expected, 0, 64 * kUlp) == -1);
  }
}

TEST_CASE("softmax and its logarithm agree with the scalar loops and stand shifts of a thousand") {
  for (const Extents e : kMatrices) {
    CAPTURE(e.columns);
    for (const double shift : {0.0, 1000.0, -1000.0}) {
      const std::vector<float> x = uniform(e.rows * e.columns, shift - 9, shift + 9, 10);
      for (const auto kernel : {&KernelTable::softmax, &KernelTable::log_softmax}) {
        const auto expected = rows_of(kernels_of(Isa::kScalar), kernel, e, x, x);
        CHECK(first_far(rows_of(kernels(), kernel, e, x, x), expected, 16 * kUlp, 4 * kUlp) == -1);
      }
    }
  }
}

TEST_CASE("a row of softmax with a NaN is NaN throughout, one with a logit of minus infinity has a zero there") {
  for (const std::int64_t n : {3, 10, 16, 37}) {
    std::vector<float> x = uniform(n, -1, 1, 11);
    x[2] = kNan;
    for (const float y : rows_of(kernels(), &KernelTable::softmax, {1, n}, x, x)) CHECK(std::isnan(y));
    x[2] = -kInfinity;
    const auto y = rows_of(kernels(), &KernelTable::softmax, {1, n}, x, x);
    CHECK(y[2] == 0);
    CHECK(first_far(y, rows_of(kernels_of(Isa::kScalar), &KernelTable::softmax, {1, n}, x, x), 8 * kUlp, kTiny) == -1);
  }
}

TEST_CASE("the gradient of softmax agrees with the scalar loops") {
  for (const Extents e : kMatrices) {
    const std::vector<float> dy = uniform(e.rows * e.columns, -1, 1, 12), y = uniform(e.rows * e.columns, 0, 1, 13);
    Guarded<float> a(dy), b(y), out(dy.size()), expected(dy.size());
    kernels().softmax_grad(e.rows, e.columns, a.data(), b.data(), out.data());
    kernels_of(Isa::kScalar).softmax_grad(e.rows, e.columns, a.data(), b.data(), expected.data());
    CHECK(first_far(out.values(), expected.values(), 4 * kUlp, kUlp * static_cast<double>(e.columns)) == -1);
  }
}

TEST_CASE("cross-entropy and its gradient agree with the scalar loops, with and without smoothing") {
  for (const Extents e : kMatrices) {
    if (e.columns == 0) continue;
    CAPTURE(e.columns);
    for (const float smoothing : {0.0F, 0.1F}) {
      const std::vector<float> x = uniform(e.rows * e.columns, -9, 9, 14);
      const Loss expected = cross_entropy(kernels_of(Isa::kScalar), e, x, smoothing, true);
      const Loss computed = cross_entropy(kernels(), e, x, smoothing, true);
      CHECK(first_far(computed.loss, expected.loss, 8 * kUlp, 32 * kUlp) == -1);
      CHECK(first_far(computed.grad, expected.grad, 16 * kUlp, 2 * kUlp) == -1);
      CHECK(cross_entropy(kernels(), e, x, smoothing, false).loss == computed.loss);
    }
  }
}

TEST_CASE("cross-entropy is infinite where the label's logit is minus infinity, and finite where another one is") {
  std::vector<float> x = uniform(10, -1, 1, 15);  // the label of row 0 is 3
  x[5] = -kInfinity;
  CHECK(std::isfinite(cross_entropy(kernels(), {1, 10}, x, 0, true).loss[0]));
  x[3] = -kInfinity;
  CHECK(cross_entropy(kernels(), {1, 10}, x, 0, true).loss[0] == kInfinity);
  x[3] = kNan;
  CHECK(std::isnan(cross_entropy(kernels(), {1, 10}, x, 0, true).loss[0]));
}
