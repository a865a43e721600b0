// Oracle: central differences in double precision.
#include "tempera/core/ops/elementwise.hpp"

#include "gradcheck/support.hpp"
#include "tempera/core/ops/activations.hpp"

namespace tempera::gradcheck_test {
namespace {

using Unary = Variable (*)(const Variable&);

void unary_property(const char* name, Unary f, Variable (*operand)(const Shape&)) {
  property(name, [=] { agrees([f](const Variables& in) { return f(in[0]); }, {operand(some_shape(number(0, 4)))}); });
}

Variable positive(const Shape& shape) { return uniform(shape, 0.2, 3.0); }

TEST_CASE("arithmetic gradients agree with differences for every pair of broadcasting shapes") {
  const std::vector<std::pair<const char*, Variable (*)(const Variable&, const Variable&)>> operations{
      {"add", core::add}, {"sub", core::sub}, {"mul", core::mul}, {"div", core::div}};
  for (const auto& [name, f] : operations) {
    property(name, [f = f] {
      const Shape full = some_shape(number(1, 5), 3);
      Variable a = normal(repeated_to(full)), b = uniform(repeated_to(full), 0.5, 2.0);
      if (coin()) a = normal(full);
      agrees([f](const Variables& in) { return f(in[0], in[1]); }, {a, b});
    });
  }
}

TEST_CASE("maximum and minimum send the gradient to the operand they took") {
  property("maximum and minimum", [] {
    const Shape full = some_shape(number(1, 4), 3);
    const Variable a = distinct(full);
    Variable b = distinct(repeated_to(full));
    for (Scalar& value : b.mutable_value().mutable_values()) value += Scalar(0.03);  // no tie with a
    agrees([](const Variables& in) { return core::maximum(in[0], in[1]) + 2.0 * core::minimum(in[0], in[1]); }, {a, b});
  });
}

TEST_CASE("gradients of arithmetic with numbers agree with differences") {
  property("numbers", [] {
    const Variable x = positive(some_shape(number(0, 4)));
    agrees([](const Variables& in) { return 3.0 - (2.0 * in[0] + 1.5) / 0.7 - 1.0 / in[0] - (-in[0]); }, {x});
  });
}

TEST_CASE("gradients of functions of one operand agree with differences") {
  unary_property("exp", core::exp, normal);
  unary_property("log", core::log, positive);
  unary_property("sqrt", core::sqrt, positive);
  unary_property("square", core::square, normal);
  unary_property("abs", core::abs, distinct);
  unary_property(
      "pow 2.5", [](const Variable& x) { return core::pow(x, 2.5); }, positive);
  unary_property(
      "pow 3", [](const Variable& x) { return core::pow(x, 3.0); }, normal);
  unary_property(
      "pow 0", [](const Variable& x) { return core::pow(x, 0.0); }, normal);
  unary_property(
      "clamp", [](const Variable& x) { return core::clamp(x, -0.3, 0.4); }, distinct);
}

TEST_CASE("gradients of activations agree with differences") {
  unary_property("relu", core::relu, distinct);
  unary_property(
      "leaky_relu", [](const Variable& x) { return core::leaky_relu(x, 0.2); }, distinct);
  unary_property("gelu", core::gelu, normal);
  unary_property("sigmoid", core::sigmoid, normal);
  unary_property("tanh", core::tanh, normal);
  unary_property("softplus", core::softplus, normal);
}

}  // namespace
}  // namespace tempera::gradcheck_test
