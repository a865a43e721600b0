// Products made by rows, and gradients that wait for their optimizer. Oracles: sums in double by the definition, and the
// bits of gemm(), which tests of its own hold to its definition.
#include "tempera/core/row_product.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tempera/core/kernels/bf16_table.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/row_gradient.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {
namespace {

Tensor noise(const Shape& shape, std::string_view stream) {
  Tensor result(shape);
  Random(11, stream).fill_normal(result.mutable_values(), 0, 1);
  return result;
}

// Aᵀ·B of a [k, m] and b [k, n].
struct Transposed {
  std::int64_t m, n, k;
  Tensor a = noise({k, m}, "a"), b = noise({k, n}, "b");

  [[nodiscard]] Gemm args(Precision precision, Scalar* c = nullptr) const {
    return {.m = m,
            .n = n,
            .k = k,
            .a = a.data(),
            .lda = m,
            .transpose_a = true,
            .b = b.data(),
            .ldb = n,
            .c = c,
            .ldc = n,
            .precision = precision};
  }
};

// A gradient of `value` [out, in] that is large enough to be deferred, and its two factors.
struct Factors {
  Tensor dy = noise({9, 300}, "dy"), x = noise({9, 301}, "x");
  Variable weight = Variable(Tensor::zeros({300, 301}), true);

  // Σ dy ∘ (x·weightᵀ): dy reaches the weight's gradient as it is.
  void send() const { backward(linear(Variable(x), weight, Variable()), dy); }
  [[nodiscard]] double expected(std::int64_t i, std::int64_t j) const {
    double sum = 0;
    for (std::int64_t p = 0; p < 9; ++p) {
      sum += static_cast<double>(dy.data()[p * 300 + i]) * static_cast<double>(x.data()[p * 301 + j]);
    }
    return sum;
  }
  // The largest distance of the weight's gradient from `factor` times the definition's.
  [[nodiscard]] double error(double factor) const {
    double worst = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
      for (std::int64_t j = 0; j < 301; ++j) {
        const auto got = static_cast<double>(weight.grad().data()[i * 301 + j]);
        worst = std::max(worst, std::abs(got - factor * expected(i, j)));
      }
    }
    return worst;
  }
};

TEST_CASE("rows have the bits that gemm gives them, wherever a range of them begins and ends") {
  for (const Precision precision : {Precision::kFloat32, Precision::kBf16}) {
    for (const Transposed& c :
         {Transposed{16, 1, 1}, Transposed{97, 33, 7}, Transposed{61, 300, 100}, Transposed{40, 65, 701}}) {
      if (!RowProduct::suits(c.args(precision))) {
        CHECK(precision == Precision::kBf16);
        CHECK(bf16_kernels().instructions.empty());
        continue;
      }
      std::vector<Scalar> whole(static_cast<std::size_t>(c.m * c.n));
      gemm(c.args(precision, whole.data()));
      const RowProduct product(c.args(precision));
      const std::vector<Scalar> next(whole.size());
      for (const auto& [begin, end] : std::vector<std::pair<std::int64_t, std::int64_t>>{
               {0, c.m}, {0, 1}, {c.m - 1, c.m}, {3, 3}, {2, 15}, {1, std::min<std::int64_t>(c.m, 34)}}) {
        CAPTURE(c.m);
        CAPTURE(c.k);
        CAPTURE(begin);
        CAPTURE(end);
        const auto size = static_cast<std::size_t>((end - begin) * c.n);
        std::vector<Scalar> rows(size + 1, Scalar{42});
        const Scalar* arrays[] = {next.data(), next.data() + begin};
        product.make(begin, end, rows.data(), std::span(arrays).first(static_cast<std::size_t>(begin % 3)));
        CHECK(rows.back() == 42);
        CHECK(std::equal(rows.begin(), rows.end() - 1, whole.begin() + begin * c.n));
      }
    }
  }
}

TEST_CASE("few rows, a transposed B and empty products are left to gemm") {
  const Transposed c{16, 8, 8};
  Gemm args = c.args(Precision::kFloat32);
  CHECK(RowProduct::suits(args));
  for (auto member : {&Gemm::m, &Gemm::n, &Gemm::k}) {
    Gemm smaller = args;
    smaller.*member = member == &Gemm::m ? 15 : 0;
    CHECK_FALSE(RowProduct::suits(smaller));
  }
  args.transpose_b = true;
  CHECK_FALSE(RowProduct::suits(args));
}

TEST_CASE("the gradient of a large weight waits until it is asked for, and is dyᵀ·x then") {
  const Factors f;
  f.send();
  CHECK(f.weight.has_grad());
  REQUIRE(f.weight.deferred_grad() != nullptr);
  CHECK(f.weight.deferred_grad()->shape() == f.weight.shape());
  CHECK(f.error(1) < 1e-5);
  CHECK(f.weight.deferred_grad() == nullptr);
  f.weight.zero_grad();
  CHECK_FALSE(f.weight.has_grad());
  f.send();
  f.weight.zero_grad();
  CHECK_FALSE(f.weight.has_grad());
  CHECK(f.weight.grad().empty());
}

TEST_CASE("rows of a deferred gradient are those of the whole, whatever the threads") {
  const Factors f;
  f.send();
  RowGradient& deferred = *row_gradient(f.weight);
  deferred.prepare();
  std::vector<Scalar> rows(300 * 301);
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    parallel_for(300, 41, [&](std::int64_t begin, std::int64_t end) {
      deferred.make_rows(begin, end, rows.data() + begin * 301, {});
    });
    const Tensor whole = deferred.make();
    CHECK(std::ranges::equal(rows, whole.values()));
  }
  set_thread_count(2);
}

TEST_CASE("gradients add up whether they were made or not, and one below a weight is made where it is needed") {
  const Factors f;
  f.send();
  f.send();
  CHECK(f.weight.deferred_grad() == nullptr);
  CHECK(f.error(2) < 2e-5);
  f.send();
  CHECK(f.error(3) < 3e-5);
  f.weight.zero_grad();
  backward(linear(Variable(f.x), f.weight * 0.5, Variable()), f.dy);
  CHECK(f.weight.deferred_grad() == nullptr);
  CHECK(f.error(0.5) < 1e-5);
}

TEST_CASE("straight through an operation a deferred gradient arrives unmade, and joins others made") {
  const Factors f;
  const auto once = [&] {
    const Variable rounded = record_straight_through("rounded", f.weight.value(), f.weight);
    CHECK(rounded.requires_grad());
    backward(linear(Variable(f.x), rounded, Variable()), f.dy);
  };
  once();
  CHECK(f.weight.deferred_grad() != nullptr);
  CHECK(f.error(1) < 1e-5);
  once();
  CHECK(f.error(2) < 2e-5);
  const Variable datum = record_straight_through("rounded", f.weight.value(), Variable(f.weight.value()));
  CHECK_FALSE(datum.requires_grad());
  const Variable number(Tensor::scalar(3), true);
  backward(record_straight_through("rounded", Tensor::scalar(7), number) * 5.0);
  CHECK(number.grad().item() == 5);
}

TEST_CASE("what the gradient waits for may be written to by others: it holds values of its own") {
  Factors f;
  f.send();
  const Factors before;
  f.dy.mutable_values()[0] += 100;
  f.x.mutable_values()[0] += 100;
  CHECK(f.weight.grad().data()[0] == doctest::Approx(before.expected(0, 0)).epsilon(1e-5));
}

TEST_CASE("a gradient that is too small or whose input is too large for the cache is made at once") {
  const auto is_deferred = [](std::int64_t batch, std::int64_t in, std::int64_t out) {
    const Variable weight(Tensor::zeros({out, in}), true);
    backward(linear(Variable(Tensor::zeros({batch, in})), weight, Variable()), Tensor::zeros({batch, out}));
    return weight.deferred_grad() != nullptr;
  };
  CHECK(is_deferred(4, 256, 256));
  CHECK_FALSE(is_deferred(4, 255, 256));
  CHECK_FALSE(is_deferred(4, 8192, 15));
  CHECK_FALSE(is_deferred(4096, 4096, 16));
  CHECK_FALSE(is_deferred(2048, 32, 4096));  // what would be kept is larger
  CHECK_FALSE(is_deferred(4, 1 << 20, 16));  // rows too long for a share
}

}  // namespace
}  // namespace tempera::core
