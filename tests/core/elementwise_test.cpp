// Values and refusals of elementwise operations. Oracles: scalar loops with NumPy's index rule, and xtensor.
#include "tempera/core/ops/elementwise.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <xtensor/xmath.hpp>

#include "support/worse.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/surrogate.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/xt.hpp"

namespace tempera::core {
namespace {

constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();
constexpr Scalar kInf = std::numeric_limits<Scalar>::infinity();

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  Tensor x(shape);
  Random(seed, "operand").fill_normal(x.mutable_values(), 0, 1);
  return x;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    worst = test::worse(worst, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  }
  return worst;
}

TEST_CASE("broadcast arithmetic equals xtensor's for rows, columns, outer products and numbers") {
  const Tensor a = random_tensor({5, 7}, 1), row = random_tensor({1, 7}, 2), column = random_tensor({5, 1}, 3);
  const auto value = [](const Variable& v) { return v.value(); };
  const Variable va(a), vr(row), vc(column);
  CHECK(largest_difference(value(va + vr), tensor_of(::xt::xtensor<Scalar, 2>(xt<2>(a) + xt<2>(row)))) == 0);
  CHECK(largest_difference(value(va - vc), tensor_of(::xt::xtensor<Scalar, 2>(xt<2>(a) - xt<2>(column)))) == 0);
  CHECK(largest_difference(value(vc - va), tensor_of(::xt::xtensor<Scalar, 2>(xt<2>(column) - xt<2>(a)))) == 0);
  CHECK(largest_difference(value(vc * vr), tensor_of(::xt::xtensor<Scalar, 2>(xt<2>(column) * xt<2>(row)))) == 0);
  CHECK(largest_difference(value(vr / va), tensor_of(::xt::xtensor<Scalar, 2>(xt<2>(row) / xt<2>(a)))) == 0);
  CHECK(largest_difference(value(va / 3.0), tensor_of(::xt::xtensor<Scalar, 2>(xt<2>(a) / Scalar{3}))) == 0);
  CHECK(largest_difference(value(2.0 / va), tensor_of(::xt::xtensor<Scalar, 2>(Scalar{2} / xt<2>(a)))) == 0);
}

TEST_CASE("a middle axis repeats as NumPy's index rule says, on tensors large enough for several chunks") {
  const Tensor a = random_tensor({40, 1, 50}, 4), b = random_tensor({30, 1}, 5);
  const Tensor y = (Variable(a) * Variable(b)).value();
  REQUIRE(y.shape() == Shape{40, 30, 50});
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const Scalar expected = a.data()[i / 1500 * 50 + i % 50] * b.data()[i / 50 % 30];
    REQUIRE(y.data()[i] == expected);
  }
}

TEST_CASE("shapes that do not broadcast are refused with both of them named") {
  const Variable a(Tensor::zeros({2, 3})), b(Tensor::zeros({4}));
  CHECK_THROWS_WITH_AS(static_cast<void>(a + b),
                       "[add] shapes must be equal or broadcast, received [2, 3] and [4] (3 against 4 on axis -1)",
                       ShapeError);
  CHECK_THROWS_AS(static_cast<void>(maximum(a, b)), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(clamp(a, 1.0, 0.0)), ConfigError);
}

TEST_CASE("tensors of no elements and single numbers pass through arithmetic") {
  CHECK((Variable(Tensor(Shape{0, 3})) + Variable(Tensor::zeros({3}))).shape() == Shape{0, 3});
  CHECK((Variable(Tensor::scalar(2)) * Variable(Tensor::scalar(3))).value().item() == 6);
}

TEST_CASE("not-a-number survives relu, clamp, maximum and sign, so that a broken network is noticed") {
  const Variable x(Tensor({2}, {kNan, 1}));
  CHECK(std::isnan(relu(x).value().data()[0]));
  CHECK(std::isnan(leaky_relu(x).value().data()[0]));
  CHECK(std::isnan(clamp(x, 0, 1).value().data()[0]));
  CHECK(std::isnan(maximum(x, Variable(Tensor::zeros({2}))).value().data()[0]));
  CHECK(std::isnan(maximum(Variable(Tensor::zeros({2})), x).value().data()[0]));
  CHECK(std::isnan(minimum(x, Variable(Tensor::zeros({2}))).value().data()[0]));
  CHECK(std::isnan(sign(x).value().data()[0]));
}

TEST_CASE("activations neither overflow nor lose their limits at the ends of the number range") {
  const Variable x(Tensor({4}, {-1000, -100, 100, 1000}));
  const Tensor s = sigmoid(x).value(), p = softplus(x).value(), t = tanh(x).value(), g = gelu(x).value();
  CHECK(s.data()[0] == 0);
  CHECK(s.data()[1] < Scalar(1e-37));
  CHECK(s.data()[3] == 1);
  CHECK(p.data()[0] == 0);
  CHECK(p.data()[3] == 1000);
  CHECK(t.data()[0] == -1);
  CHECK(t.data()[3] == 1);
  CHECK(g.data()[0] == 0);
  CHECK(g.data()[3] == 1000);
  CHECK(relu(Variable(Tensor::scalar(kInf))).value().item() == kInf);
}

TEST_CASE("round takes ties to even and sign takes both zeros to plus one") {
  const Variable x(
      Tensor({7}, {Scalar(-2.5), Scalar(-1.5), Scalar(-0.5), Scalar(-0.0), Scalar(0.5), Scalar(1.5), Scalar(2.5)}));
  const Tensor rounded = round(x).value(), signs = sign(x).value();
  const std::array<Scalar, 7> expected{-2, -2, 0, 0, 0, 2, 2}, expected_signs{-1, -1, -1, 1, 1, 1, 1};
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(rounded.data()[i] == expected[i]);
    CHECK(signs.data()[i] == expected_signs[i]);
  }
}

TEST_CASE("at a tie maximum gives each operand half of the gradient") {
  const Variable a(Tensor({1}, {Scalar{2}}), true), b(Tensor({1}, {Scalar{2}}), true);
  backward(maximum(a, b));
  CHECK(a.grad().item() == Scalar(0.5));
  CHECK(b.grad().item() == Scalar(0.5));
}

}  // namespace
}  // namespace tempera::core
