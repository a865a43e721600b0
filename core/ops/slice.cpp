#include <algorithm>

#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/layout.hpp"

namespace tempera::core {
namespace {

// An axis of a tensor seen as [outer, extent, inner].
struct Axis {
  std::int64_t outer = 1, extent, inner = 1;
};

Axis axis_of(const Shape& shape, int axis) {
  Axis a{.extent = shape[axis]};
  for (int i = 0; i < axis; ++i) a.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) a.inner *= shape[i];
  return a;
}

Shape with_extent(const Shape& shape, int axis, std::int64_t extent) {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::ranges::copy(shape.extents(), extents.begin());
  extents[static_cast<std::size_t>(axis)] = extent;
  return Shape(std::span<const std::int64_t>(extents.data(), static_cast<std::size_t>(shape.rank())));
}

// Copies `count` elements of an axis, from position `at_from` of x to position `at_to` of y.
void copy_range(const Tensor& x, std::int64_t at_from, Tensor& y, std::int64_t at_to, std::int64_t count, int axis) {
  const Axis from = axis_of(x.shape(), axis), to = axis_of(y.shape(), axis);
  const Scalar* source = x.data() + at_from * from.inner;
  Scalar* target = y.mutable_data() + at_to * to.inner;
  for (std::int64_t i = 0; i < from.outer; ++i) {
    std::copy_n(source + i * from.extent * from.inner, count * from.inner, target + i * to.extent * to.inner);
  }
}

Tensor sliced(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  Tensor y(with_extent(x.shape(), axis, end - begin));
  copy_range(x, begin, y, 0, end - begin, axis);
  return y;
}

Tensor padded(const Tensor& x, int axis, std::int64_t before, std::int64_t after, Scalar value) {
  Tensor y = Tensor::full(with_extent(x.shape(), axis, before + x.dim(axis) + after), value);
  copy_range(x, 0, y, before, x.dim(axis), axis);
  return y;
}

}  // namespace

Variable slice(const Variable& x, int axis, std::int64_t begin, std::int64_t end) {
  const int a = checked_axis("slice", axis, x.shape());
  const std::int64_t extent = x.shape()[a];
  require(0 <= begin && begin <= end && end <= extent, "slice",
          "needs 0 <= begin <= end <= {}, received [{}, {}) on axis {} of {}", extent, begin, end, axis, x.shape());
  return record("slice", sliced(x.value(), a, begin, end), {x}, [=](const Tensor& dy, const Needs&) {
    return Gradients{padded(dy, a, begin, extent - end, Scalar{0})};
  });
}

Variable concat(std::span<const Variable> parts, int axis) {
  require(!parts.empty(), "concat", "needs at least one part, received none");
  const Shape& first = parts.front().shape();
  const int a = checked_axis("concat", axis, first);
  CachedVector<std::int64_t> ends;
  ends.reserve(parts.size());
  std::int64_t total = 0;
  for (const Variable& part : parts) {
    const bool fits = part.shape().rank() == first.rank() && with_extent(part.shape(), a, first[a]) == first;
    require(fits, "concat", "extents other than axis {} must agree, received {} and {}", axis, first, part.shape());
    ends.push_back(total += part.shape()[a]);
  }
  Tensor y(with_extent(first, a, total));
  std::int64_t at = 0;
  for (const Variable& part : parts) {
    copy_range(part.value(), 0, y, at, part.shape()[a], a);
    at += part.shape()[a];
  }
  return record("concat", std::move(y), parts, [a, ends = std::move(ends)](const Tensor& dy, const Needs& needs) {
    Gradients gradients(ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (needs[i]) gradients[i] = sliced(dy, a, i == 0 ? 0 : ends[i - 1], ends[i]);
    }
    return gradients;
  });
}

Variable pad(const Variable& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, double value) {
  require(static_cast<int>(widths.size()) == x.shape().rank(), "pad", "needs widths for every axis, received {} for {}",
          widths.size(), x.shape());
  Tensor y = x.value();
  for (int axis = 0; axis < x.shape().rank(); ++axis) {
    const auto [before, after] = widths[static_cast<std::size_t>(axis)];
    require(before >= 0 && after >= 0, "pad", "widths cannot be negative, received {} and {} on axis {}", before, after,
            axis);
    if (before + after > 0) y = padded(y, axis, before, after, static_cast<Scalar>(value));
  }
  return record("pad", std::move(y), {x}, [widths, shape = x.shape()](const Tensor& dy, const Needs&) {
    Tensor dx = dy;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const auto [before, after] = widths[static_cast<std::size_t>(axis)];
      if (before + after > 0) dx = sliced(dx, axis, before, before + shape[axis]);
    }
    return Gradients{std::move(dx)};
  });
}

}  // namespace tempera::core
