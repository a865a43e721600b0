#include "tempera/core/tensor.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tempera/core/errors.hpp"

namespace {

using tempera::core::Shape;
using tempera::core::ShapeError;
using tempera::core::Tensor;

template <class Fn>
std::string shape_error(const Fn& fn) {
  try {
    fn();
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "no ShapeError";
}

}  // namespace

TEST_CASE("a copy is a value: writing one leaves the other as it was, and copies only then") {
  Tensor a({2, 2}, {1, 2, 3, 4});
  Tensor b = a;
  CHECK(b.shares_storage(a));
  b.mutable_data()[0] = 9;
  CHECK_FALSE(b.shares_storage(a));
  CHECK(a.data()[0] == 1);
  CHECK(b.data()[0] == 9);
  CHECK(b.data()[3] == 4);
  const auto* before = b.data();
  b.mutable_data()[1] = 8;  // nobody shares it any more
  CHECK(b.data() == before);
}

TEST_CASE("a reshaped tensor shares the values under its new shape until it is written") {
  const Tensor a({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor b = a.reshaped({3, 2});
  CHECK(b.shape() == Shape{3, 2});
  CHECK(b.shares_storage(a));
  b.mutable_values()[5] = 0;
  CHECK(a.values()[5] == 6);
  CHECK(shape_error([&] { (void)a.reshaped({4, 2}); }) == "reshape: [2, 3] has 6 elements, [4, 2] has 8");
}

TEST_CASE("no tensor, a tensor of nothing and a scalar are three things") {
  CHECK(Tensor().empty());
  CHECK(Tensor().numel() == 0);
  CHECK_FALSE(Tensor(Shape{0, 3}).empty());
  CHECK(Tensor(Shape{0, 3}).numel() == 0);
  CHECK(Tensor::scalar(3).item() == 3);
  CHECK(Tensor::scalar(3).rank() == 0);
  CHECK(shape_error([] { (void)Tensor::zeros({2}).item(); }) == "item: needs a tensor of one element, received [2]");
}

TEST_CASE("a tensor takes as many values as its shape has elements") {
  CHECK(shape_error([] { (void)Tensor({2, 2}, {1, 2, 3}); }) == "tensor [2, 2]: needs 4 values, received 3");
  const Tensor filled = Tensor::full({3}, 7);
  for (const auto value : filled.values()) CHECK(value == 7);
}
