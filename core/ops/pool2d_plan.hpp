// The geometry of one pooling.
#pragma once

#include <algorithm>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/pool2d.hpp"

namespace tempera::core {

/// Cells [top, bottom) × [left, right) of one window that lie inside of the image.
struct PoolWindow {
  std::int64_t top, bottom, left, right;
};

struct PoolPlan {
  std::int64_t planes, height, width;  ///< batch·channels planes of this many pixels
  std::int64_t out_height, out_width;
  Pool2dOptions options;  ///< with the stride filled in

  PoolPlan(const Shape& x, const Shape& y, const Pool2dOptions& o)
      : planes(x[0] * x[1]), height(x[2]), width(x[3]), out_height(y[2]), out_width(y[3]), options(o) {
    for (std::size_t i = 0; i < 2; ++i) options.stride[i] = o.stride[i] == 0 ? o.size[i] : o.stride[i];
  }
  [[nodiscard]] std::int64_t pixels() const noexcept { return height * width; }
  [[nodiscard]] std::int64_t outputs() const noexcept { return out_height * out_width; }
  [[nodiscard]] std::int64_t grain() const noexcept {
    return std::max<std::int64_t>(1, kHeavyGrain / std::max<std::int64_t>(1, pixels()));
  }
  [[nodiscard]] PoolWindow window(std::int64_t y, std::int64_t x) const noexcept {
    const std::int64_t top = y * options.stride[0] - options.padding[0];
    const std::int64_t left = x * options.stride[1] - options.padding[1];
    return {std::max<std::int64_t>(top, 0), std::min(top + options.size[0], height), std::max<std::int64_t>(left, 0),
            std::min(left + options.size[1], width)};
  }
};

/// max_pool2d where pools_pairs holds: its result, and which of its four pixels each window took (a number of type Scalar).
struct PairPool {
  Tensor y;
  Storage chosen;
  explicit PairPool(const Shape& shape) : y(shape), chosen(static_cast<std::size_t>(shape.numel()) * sizeof(Scalar)) {}
};
[[nodiscard]] PairPool pool_pairs(const Tensor& x);
/// Of `planes` planes, one after the other.
inline void pool_planes(const PairPlane& plane, std::int64_t planes, const Scalar* x, Scalar* y,
                        Scalar* chosen) noexcept {
  for (; planes > 0; --planes, x += plane.pixels(), y += plane.windows(), chosen += plane.windows()) {
    kernels().pool_pairs(plane, x, y, chosen);
  }
}

/// The gradient by its input.
[[nodiscard]] Tensor spread_pairs(const Tensor& dy, const Storage& chosen, const Shape& input);
inline void spread_planes(const PairPlane& plane, std::int64_t planes, const Scalar* dy, const Scalar* chosen,
                          Scalar* dx) noexcept {
  for (; planes > 0; --planes, dy += plane.windows(), chosen += plane.windows(), dx += plane.pixels()) {
    kernels().pool_pairs_grad(plane, dy, chosen, dx);
  }
}

}  // namespace tempera::core
