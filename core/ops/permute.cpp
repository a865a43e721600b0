#include <algorithm>
#include <numeric>

#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/layout.hpp"

namespace tempera::core {
namespace {

using Extents = std::array<std::int64_t, Shape::kMaxRank>;

Shape permuted_shape(const Shape& shape, const std::vector<int>& axes) {
  Extents extents{};
  for (std::size_t i = 0; i < axes.size(); ++i) extents[i] = shape[axes[i]];
  return Shape(std::span<const std::int64_t>(extents.data(), axes.size()));
}

Tensor permuted(const Tensor& x, const std::vector<int>& axes) {
  Tensor y(permuted_shape(x.shape(), axes));
  if (y.numel() == 0) return y;
  Extents stride{}, step{}, extent{}, index{};
  std::int64_t product = 1;
  for (int i = x.rank() - 1; i >= 0; --i) {
    stride[static_cast<std::size_t>(i)] = product;
    product *= x.shape()[i];
  }
  std::fill(extent.begin(), extent.end(), 1);
  const std::size_t unused = extent.size() - axes.size();  // axes are aligned at the end, the innermost is the last
  for (std::size_t i = 0; i < axes.size(); ++i) {
    extent[unused + i] = y.shape()[static_cast<int>(i)];
    step[unused + i] = stride[static_cast<std::size_t>(axes[i])];
  }
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  const std::int64_t row = extent.back(), inner = step.back();
  for (std::int64_t out = 0; out < y.numel(); out += row) {
    for (std::int64_t i = 0; i < row; ++i) to[out + i] = from[i * inner];
    for (std::size_t axis = extent.size() - 1; axis-- > 0;) {
      from += step[axis];
      if (++index[axis] < extent[axis]) break;
      from -= step[axis] * extent[axis];
      index[axis] = 0;
    }
  }
  return y;
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape) {
  require(shape.numel() == x.shape().numel(), "reshape", "the element counts must agree, received {} for {}", shape,
          x.shape());
  return record("reshape", x.value().reshaped(shape), {x},
                [shape = x.shape()](const Tensor& dy, const Needs&) { return Gradients{dy.reshaped(shape)}; });
}

Variable permute(const Variable& x, const std::vector<int>& axes) {
  std::vector<int> order(axes.size());
  std::vector<int> inverse(axes.size(), -1);
  require(static_cast<int>(axes.size()) == x.shape().rank(), "permute", "needs every axis once, received {} for {}",
          axes.size(), x.shape());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    order[i] = checked_axis("permute", axes[i], x.shape());
    int& back = inverse[static_cast<std::size_t>(order[i])];
    require(back < 0, "permute", "axis {} of {} is named twice", axes[i], x.shape());
    back = static_cast<int>(i);
  }
  return record("permute", permuted(x.value(), order), {x},
                [inverse](const Tensor& dy, const Needs&) { return Gradients{permuted(dy, inverse)}; });
}

Variable transpose(const Variable& x, int first, int second) {
  std::vector<int> order(static_cast<std::size_t>(x.shape().rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(checked_axis("transpose", first, x.shape()))],
            order[static_cast<std::size_t>(checked_axis("transpose", second, x.shape()))]);
  return permute(x, order);
}

}  // namespace tempera::core
