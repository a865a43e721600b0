// Oracle: central differences in double precision.
#include "tempera/core/ops/matmul.hpp"

#include "gradcheck/support.hpp"

namespace tempera::gradcheck_test {
namespace {

TEST_CASE("matmul gradients agree with differences for every transposition") {
  property("matmul", [] {
    const int m = number(1, 5), n = number(1, 5), k = number(0, 5);
    const core::Transposed t{.a = coin(), .b = coin()};
    const Variable a = normal(t.a ? Shape{k, m} : Shape{m, k}), b = normal(t.b ? Shape{n, k} : Shape{k, n});
    agrees([t](const Variables& in) { return core::matmul(in[0], in[1], t); }, {a, b});
  });
}

TEST_CASE("linear gradients agree with differences, with and without bias") {
  property("linear", [] {
    const int batch = number(1, 5), in = number(1, 6), out = number(1, 6);
    Variables operands{normal({batch, in}), normal({out, in})};
    if (coin()) operands.push_back(normal({out}));
    agrees([](const Variables& v) { return core::linear(v[0], v[1], v.size() > 2 ? v[2] : Variable()); }, operands);
  });
}

TEST_CASE("linear with relu has the gradient of its linear part where it is positive and none elsewhere") {
  property("linear relu", [] {
    const int batch = number(1, 4), in = number(1, 4), out = number(1, 4);
    const Variables operands{normal({batch, in}), normal({out, in}), normal({out})};
    const Variable pre = core::linear(operands[0], operands[1], operands[2]);
    for (const Scalar v : pre.value().values()) RC_PRE(std::abs(v) > 1e-3);
    agrees([](const Variables& v) { return core::linear(v[0], v[1], v[2], true); }, operands);
  });
}

TEST_CASE("gradcheck finds a gradient that is wrong by one part in a thousand") {
  const Variable x(Tensor({3}, {1, 2, 3}), true);
  const auto result = core::gradcheck(
      [](const Variables& in) {
        Tensor y({3}, {in[0].value().data()[0], in[0].value().data()[1], in[0].value().data()[2]});
        return core::record("identity", y, {in[0]}, [](const Tensor& dy, const core::Needs&) {
          Tensor dx = dy;
          dx.mutable_data()[1] *= Scalar(1.001);
          return core::Gradients{dx};
        });
      },
      {x});
  CHECK_FALSE(result.passed);
  CHECK(result.input == 0);
  CHECK(result.element == 1);
  CHECK(result.checked == 3);
}

}  // namespace
}  // namespace tempera::gradcheck_test
