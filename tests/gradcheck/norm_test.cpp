// Oracle: central differences in double precision; for staircases, the closed form of the surrogate they declare.
#include "tempera/core/ops/norm.hpp"

#include "gradcheck/support.hpp"
#include "tempera/core/ops/dropout.hpp"
#include "tempera/core/ops/surrogate.hpp"

namespace tempera::gradcheck_test {
namespace {

Variable part(const Variables& v, std::size_t i) { return i < v.size() ? v[i] : Variable(); }

Variables with_affine(Variable x, const Shape& features) {
  Variables operands{std::move(x)};
  if (coin()) operands.push_back(normal(features));
  if (operands.size() == 2 && coin()) operands.push_back(normal(features));
  return operands;
}

TEST_CASE("batch_norm gradients agree with differences in both modes, the batch's statistics included") {
  property("batch_norm", [] {
    std::vector<std::int64_t> extents{number(2, 5), number(1, 4)};
    for (int i = number(0, 2); i > 0; --i) extents.push_back(number(1, 4));
    const Shape channels{extents[1]};
    const Variables operands = with_affine(normal(shape_of(extents)), channels);
    agrees([](const Variables& v) { return core::batch_norm_training(v[0], part(v, 1), part(v, 2), 0.1).output; },
           operands);
    const Tensor mean = normal(channels).value(), variance = uniform(channels, 0.2, 2.0).value();
    agrees(
        [&](const Variables& v) { return core::batch_norm_evaluation(v[0], part(v, 1), part(v, 2), mean, variance); },
        operands);
  });
}

TEST_CASE("batch_norm gradients agree with differences for planes longer than the lanes of a sum") {
  property("batch_norm planes", [] {
    agrees([](const Variables& v) { return core::batch_norm_training(v[0], v[1], v[2]).output; },
           {normal({2, 2, 5, number(3, 8)}), normal({2}), normal({2})});
  });
}

TEST_CASE("layer_norm gradients agree with differences over any trailing axes") {
  property("layer_norm", [] {
    const Shape shape = some_shape(number(1, 4));
    const int axes = number(1, shape.rank());
    const Shape features(shape.extents().last(static_cast<std::size_t>(axes)));
    agrees([=](const Variables& v) { return core::layer_norm(v[0], axes, part(v, 1), part(v, 2), 0.1); },
           with_affine(normal(shape), features));
  });
}

TEST_CASE("dropout's gradient goes through the elements it kept") {
  property("dropout", [] {
    const double probability = number(0, 9) / 10.0;
    const Random random = some_random();
    agrees([&](const Variables& v) { return core::dropout(v[0], probability, random); }, {normal(some_shape(2, 9))});
  });
}

TEST_CASE("round and sign have the derivative of their declared surrogate") {
  using Staircase = Variable (*)(const Variable&, core::Surrogate);
  for (const Staircase f : {Staircase{core::round}, Staircase{core::sign}}) {
    for (const auto surrogate : {core::Surrogate::kIdentity, core::Surrogate::kClipped}) {
      const Variable x(Tensor({6}, {Scalar(-1.5), -1, Scalar(-0.5), 0, 1, Scalar(1.25)}), true);
      const Tensor dy({6}, {1, 2, 3, 4, 5, 6});
      core::backward(f(x, surrogate), dy);
      const bool clipped = surrogate == core::Surrogate::kClipped;
      for (std::int64_t i = 0; i < 6; ++i) {
        const bool inside = std::abs(x.value().data()[i]) <= 1;
        CHECK(x.grad().data()[i] == (inside || !clipped ? dy.data()[i] : Scalar{0}));
      }
    }
  }
}

}  // namespace
}  // namespace tempera::gradcheck_test
