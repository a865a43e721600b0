// What operations say when operands do not fit. Oracle: the rule of each, written out.
#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/gather.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/ops/softmax.hpp"

namespace tempera::core {
namespace {

Variable of(const Shape& shape) { return Variable(Tensor::zeros(shape)); }

template <class E>
std::string complaint(const std::function<Variable()>& make) {
  try {
    static_cast<void>(make());
  } catch (const E& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("matrix products name the extents that do not meet") {
  CHECK(complaint<ShapeError>([] {
          return matmul(of({2, 3}), of({4, 5}));
        }) == "[matmul] inner extents must agree, received [2, 3] and [4, 5]");
  CHECK(complaint<ShapeError>([] {
          return matmul(of({2, 3}), of({3, 5}), {.b = true});
        }) == "[matmul] inner extents must agree, received [2, 3] and [3, 5] transposed");
  CHECK(complaint<ShapeError>([] {
          return linear(of({2, 64}), of({10, 784}));
        }) == "[linear] input has 64 columns, weight expects 784, received [2, 64] and [10, 784]");
  CHECK(complaint<ShapeError>([] {
          return linear(of({2, 1, 28, 28}), of({10, 784}));
        }) == "[linear] the input must have two axes [batch, 784], received [2, 1, 28, 28] (is \"flatten\" missing?)");
  CHECK(complaint<ShapeError>([] {
          return linear(of({2, 4}), of({3, 4}), of({4}));
        }) == "[linear] the bias must be [3], received [4]");
}

TEST_CASE("convolutions and pools name the extent that does not fit") {
  CHECK(complaint<ShapeError>([] {
          return conv2d(of({1, 3, 8, 8}), of({4, 1, 3, 3}));
        }) == "[conv2d] input has 3 channels, weight expects 1·1, received [1, 3, 8, 8] and [4, 1, 3, 3]");
  CHECK(
      complaint<ShapeError>([] {
        return conv2d(of({1, 1, 2, 8}), of({4, 1, 3, 3}));
      }) ==
      "[conv2d] the padded input must not be smaller than the kernel, received 2 against 3 on axis 2 of [1, 1, 2, 8]");
  CHECK(complaint<ConfigError>([] {
          return conv2d(of({1, 1, 8, 8}), of({4, 1, 3, 3}), {}, {.stride = {0, 1}});
        }) == "[conv2d] stride and dilation must be at least 1 and padding at least 0, received 0, 1 and 0");
  CHECK(complaint<ShapeError>([] {
          return max_pool2d(of({1, 1, 1, 4}));
        }) == "[pool2d] the window must fit into the padded input, received 2 against 1 on axis 2 of [1, 1, 1, 4]");
  CHECK(complaint<ConfigError>([] {
          return avg_pool2d(of({1, 1, 4, 4}), {.padding = {2, 0}});
        }) == "[pool2d] needs size >= 1, stride >= 0 and 0 <= padding <= size/2, received 2, 0 and 2");
}

TEST_CASE("losses name the label, and softmax the temperature, that is out of range") {
  const std::vector<std::int32_t> labels{3, 77};
  CHECK(complaint<ShapeError>([&] {
          return cross_entropy(of({2, 10}), labels);
        }) == "[cross_entropy] labels must be in [0, 10), received 77");
  CHECK(complaint<ShapeError>([&] {
          return cross_entropy(of({3, 10}), labels);
        }) == "[cross_entropy] needs a label a row, received 2 labels for [3, 10]");
  // 0 and infinite where Scalar is float; in double they are numbers like any other.
  std::vector<double> refused{0.0, -1.0, std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
  if (sizeof(Scalar) == sizeof(float)) refused.insert(refused.end(), {1e-50, 1e39});
  for (const double t : refused) {
    CHECK(complaint<ConfigError>([&] { return softmax(of({2, 3}), t); }).find("must be above 0") != std::string::npos);
  }
}

TEST_CASE("layout operations and reductions refuse axes and ranges outside of the shape") {
  const Variable x = of({2, 3});
  CHECK(complaint<ShapeError>([&] { return sum(x, {2}); }) == "[sum] axis 2 is outside of shape [2, 3]");
  CHECK(complaint<ShapeError>([&] { return sum(x, {1, -1}); }) == "[sum] axis -1 of [2, 3] is named twice");
  CHECK(complaint<ShapeError>([&] {
          return max(of({0, 3}), {0});
        }) == "[max] there is nothing to choose from in [0, 3]");
  CHECK(complaint<ShapeError>([&] { return permute(x, {0, 0}); }) == "[permute] axis 0 of [2, 3] is named twice");
  CHECK(complaint<ShapeError>([&] { return reshape(x, {4}); }) ==
        "[reshape] the element counts must agree, received [4] for [2, 3]");
  CHECK(complaint<ShapeError>([&] { return slice(x, 1, 2, 4); }) ==
        "[slice] needs 0 <= begin <= end <= 3, received [2, 4) on axis 1 of [2, 3]");
  CHECK(complaint<ShapeError>([&] {
          return concat(std::vector{x, of({3, 3})}, 1);
        }) == "[concat] extents other than axis 1 must agree, received [2, 3] and [3, 3]");
  CHECK(complaint<ShapeError>([&] { return concat(std::vector<Variable>{}, 0); }) ==
        "[concat] needs at least one part, received none");
  const std::vector<std::int64_t> indices{0, 2};
  CHECK(complaint<ShapeError>([&] { return index_select(x, 0, indices); }) ==
        "[index_select] indices must be in [0, 2), received 2 for axis 0 of [2, 3]");
}

TEST_CASE("norms refuse parameters of another shape and a single value a channel") {
  CHECK(complaint<ShapeError>([] {
          return batch_norm_training(of({1, 4}), {}, {}).output;
        }) == "[batch_norm] training needs at least two values a channel, received [1, 4]");
  CHECK(complaint<ShapeError>([] {
          return batch_norm_training(of({2, 4}), of({3}), {}).output;
        }) == "[batch_norm] gamma must be [4], received [3]");
  CHECK(complaint<ShapeError>([] {
          return layer_norm(of({2, 4}), 1, {}, of({2}));
        }) == "[layer_norm] beta must be [4], received [2]");
  for (const double epsilon : {0.0, 1e-50}) {
    const std::string received = epsilon == 0 ? ", received 0" : ", received 1e-50";
    const std::string layer = complaint<ConfigError>([&] { return layer_norm(of({2, 4}), 1, {}, {}, epsilon); });
    CHECK(layer.starts_with("[layer_norm] epsilon must be above 0"));
    CHECK(layer.ends_with(received));
    const std::string batch = complaint<ConfigError>([&] {
      return batch_norm_training(of({2, 4}), {}, {}, epsilon).output;
    });
    CHECK(batch.starts_with("[batch_norm] epsilon must be above 0"));
    CHECK(batch.ends_with(received));
  }
}

TEST_CASE("batch norm of a constant channel is finite") {
  const Variable x(Tensor::full({4, 2}, Scalar{3}), true);
  const Variable y = batch_norm_training(x, {}, {}).output;
  for (const Scalar v : y.value().values()) CHECK(v == 0);
  backward(sum(y));
  for (const Scalar v : x.grad().values()) CHECK(v == 0);
}

}  // namespace
}  // namespace tempera::core
