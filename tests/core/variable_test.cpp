// The autograd engine. Oracle: derivatives worked out by hand.
#include "tempera/core/variable.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "tempera/core/errors.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {
namespace {

Variable number(double value) { return Variable(Tensor::scalar(static_cast<Scalar>(value)), true); }

Gradients pass(const Tensor& dy, const Needs&) { return {dy}; }

TEST_CASE("a leaf used twice receives the sum of both gradients") {
  const Variable x = number(3);
  backward(x * x + 4.0 * x);
  CHECK(x.grad().item() == 10);  // 2x + 4
}

TEST_CASE("in a diamond a shared node hands on its gradient once, after both users") {
  const Variable x = number(2);
  const Variable shared = x * x;
  int visits = 0;
  const Variable counted = record("counted", shared.value(), {shared}, [&visits](const Tensor& dy, const Needs&) {
    ++visits;
    return Gradients{dy};
  });
  backward(counted * 3.0 + counted * counted);
  CHECK(visits == 1);
  CHECK(x.grad().item() == 44);  // (3 + 2·x²)·2x
}

TEST_CASE("a second backward adds to the gradients of the first, and zero_grad starts anew") {
  const Variable x = number(2);
  backward(x * 3.0);
  backward(x * 5.0);
  CHECK(x.grad().item() == 8);
  x.zero_grad();
  CHECK(x.grad().empty());
  backward(x * 7.0);
  CHECK(x.grad().item() == 7);
}

TEST_CASE("accumulating into one of two shared gradients leaves the other as it was") {
  const Variable a = number(1), b = number(1);
  backward(a + b);  // both receive the same storage
  backward(a * 2.0);
  CHECK(a.grad().item() == 3);
  CHECK(b.grad().item() == 1);
}

TEST_CASE("under NoGrad and without a leaf that wants one, no history is kept") {
  const Variable x = number(2);
  {
    const NoGrad no_grad;
    CHECK_FALSE(grad_enabled());
    CHECK_FALSE((x * x).requires_grad());
    const NoGrad nested;
  }
  CHECK(grad_enabled());
  CHECK((x * x).requires_grad());
  const Variable datum(Tensor::scalar(1));
  CHECK((datum * datum).node()->inputs.empty());
  CHECK_FALSE((x * x).detach().requires_grad());
}

TEST_CASE("a backward function that has a name is copied where history is kept, and left to its owner") {
  const Variable x = number(3);
  const auto factor = std::make_shared<double>(5);
  const auto scaled = [factor](const Tensor& dy, const Needs&) {
    return Gradients{Tensor::scalar(static_cast<Scalar>(*factor) * dy.item())};
  };
  {
    const NoGrad no_history;
    const Variable y = record("scaled", Tensor::scalar(15), {x}, scaled);
    CHECK(factor.use_count() == 2);  // here and in the function
  }
  const Variable y = record("scaled", Tensor::scalar(15), {x}, scaled);
  CHECK(factor.use_count() == 3);
  backward(y);
  backward(record("scaled", Tensor::scalar(15), {x}, scaled));
  CHECK(x.grad().item() == 10);
}

TEST_CASE("an input that needs no gradient is not asked for one") {
  const Variable x = number(2), datum(Tensor::scalar(5));
  const Variable y = record("product", Tensor::scalar(10), {x, datum}, [](const Tensor& dy, const Needs& needs) {
    CHECK(needs[0]);
    CHECK_FALSE(needs[1]);
    Gradients gradients(2);
    gradients[0] = dy;
    return gradients;
  });
  backward(y);
  CHECK(x.grad().item() == 1);
  CHECK(datum.grad().empty());
}

TEST_CASE("a chain of a million operations is walked and released without recursion") {
  constexpr int kLinks = 1'000'000;
  const Variable x = number(1);
  Variable y = x;
  for (int i = 0; i < kLinks; ++i)
    y = record("link", y.value(), {y, y}, [](const Tensor& dy, const Needs&) { return Gradients{dy, Tensor()}; });
  SUBCASE("by backward") {
    backward(y);
    CHECK(x.grad().item() == 1);
  }
  SUBCASE("by dropping it") {
    y = Variable();
    CHECK(x.node().use_count() == 1);
  }
}

TEST_CASE("a backward that returns a gradient of another shape is a ShapeError that names it") {
  const Variable x(Tensor::zeros({2, 3}), true);
  const ScopeName scope("fc1");
  const Variable y = record("custom", Tensor::zeros({2, 3}), {x}, [](const Tensor&, const Needs&) {
    return Gradients{Tensor::zeros({3, 2})};
  });
  CHECK_THROWS_WITH_AS(backward(y, Tensor::zeros({2, 3})),
                       "backward of fc1: custom: gradient of input 0 has shape [3, 2], the input [2, 3]", ShapeError);
  CHECK(x.grad().empty());
}

TEST_CASE("a backward that returns too few gradients, or starts from several numbers, is a ShapeError") {
  const Variable x = number(1);
  CHECK_THROWS_AS(
      backward(record("none", Tensor::scalar(1), {x}, [](const Tensor&, const Needs&) { return Gradients{}; })),
      ShapeError);
  CHECK_THROWS_AS(backward(Variable(Tensor::zeros({2}), true)), ShapeError);
  CHECK_THROWS_AS(backward(x, Tensor::zeros({2})), ShapeError);
}

TEST_CASE("walking back through a graph that was released is an error and not a missing gradient") {
  const Variable x = number(2);
  const Variable shared = x * x;
  backward(shared * 2.0);
  CHECK_THROWS_WITH_AS(backward(shared * 3.0),
                       "backward of mul: its history was released by an earlier backward through it", Error);
}

TEST_CASE("after an exception the graph holds no half of a gradient") {
  const Variable x = number(2);
  const Variable left = x * 2.0;
  const Variable bad = record("bad", left.value(), {x}, [](const Tensor&, const Needs&) -> Gradients {
    throw NumericError("bad", -1, "on purpose");
  });
  CHECK_THROWS_AS(backward(left + bad), NumericError);
  CHECK(left.grad().empty());
}

TEST_CASE("backward frees each activation as soon as its gradient has been handed on") {
  constexpr std::int64_t kElements = 1 << 16;
  constexpr int kLinks = 50;
  const auto bytes = static_cast<std::int64_t>(kElements * sizeof(Scalar));
  const Variable x(Tensor::zeros({kElements}), true);
  std::int64_t live_at_start = 0, live_at_end = 0;
  Variable y = record("first", Tensor(x.shape()), {x}, [&](const Tensor& dy, const Needs&) {
    live_at_end = allocator_stats().live_bytes;
    return Gradients{dy};
  });
  for (int i = 0; i < kLinks; ++i) y = record("link", Tensor(y.shape()), {y}, &pass);
  y = record("last", Tensor(y.shape()), {y}, [&](const Tensor& dy, const Needs&) {
    live_at_start = allocator_stats().live_bytes;
    return Gradients{dy};
  });
  backward(y, Tensor::zeros(x.shape()));
  CHECK(live_at_end <= live_at_start - kLinks * bytes);
}

TEST_CASE("first_nonfinite names the earliest operation that went wrong, with its layer") {
  const Variable x(Tensor({2}, {1, -1}), true);
  Variable y;
  {
    const ScopeName outer("block1");
    const ScopeName inner("fc2");
    y = log(x);
  }
  const Variable later = sum(exp(y * 2.0));
  CHECK(first_nonfinite(later) == "block1/fc2: log");
  CHECK(first_nonfinite(sum(exp(x))).empty());
}

TEST_CASE("first_nonfinite blames the user of a parameter that is itself not finite") {
  const Variable w(Tensor({1, 1}, {std::numeric_limits<Scalar>::quiet_NaN()}), true);
  const Variable x(Tensor({1, 1}, {Scalar{1}}));
  const ScopeName scope("fc1");
  CHECK(first_nonfinite(sum(matmul(x, w))) == "fc1: matmul, input 1");
}

TEST_CASE("set_value keeps the shape and a leaf's value can be written while a graph still reads the old one") {
  const Variable x(Tensor({2}, {1, 2}), true);
  CHECK_THROWS_AS(x.set_value(Tensor::zeros({3})), ShapeError);
  const Variable y = sum(square(x));
  x.mutable_value().mutable_data()[0] = 100;
  backward(y);
  CHECK(x.grad().data()[0] == 2);  // 2·1: the value the forward saw
}

}  // namespace
}  // namespace tempera::core
