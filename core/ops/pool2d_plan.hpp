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

}  // namespace tempera::core
