// Poolings as the maxima and means of windows that define them.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/plain_sums.hpp"
#include "tempera/core/ops/pool2d.hpp"

namespace tempera::core::plain {

/// fn(pixel) for every cell of window `to` that lies inside of the image.
template <class Fn>
void for_each_cell(const Shape& x, const Shape& y, const Pool2dOptions& o, std::int64_t to, const Fn& fn) {
  const std::int64_t row = to / y[3] % y[2], column = to % y[3], plane = to / (y[2] * y[3]);
  const auto step = [&](std::size_t axis) { return o.stride[axis] == 0 ? o.size[axis] : o.stride[axis]; };
  for (std::int64_t i = 0; i < o.size[0] * o.size[1]; ++i) {
    const std::int64_t at_y = row * step(0) - o.padding[0] + i / o.size[1];
    const std::int64_t at_x = column * step(1) - o.padding[1] + i % o.size[1];
    if (at_y >= 0 && at_y < x[2] && at_x >= 0 && at_x < x[3]) fn((plane * x[2] + at_y) * x[3] + at_x);
  }
}

/// Whether max_pool2d takes the first of the largest pixels of each window or its last NaN, and gives `dy` to it alone.
[[nodiscard]] inline bool largest_of_windows(const Tensor& x, const Pool2dOptions& o, const Tensor& dy) {
  const Variable in(x, true), y = max_pool2d(in, o);
  plain::Sums by_input(x.numel());
  for (std::int64_t to = 0; to < dy.numel(); ++to) {
    std::int64_t best = -1;
    for_each_cell(x.shape(), y.shape(), o, to, [&](std::int64_t pixel) {
      const Scalar value = x.data()[pixel];
      if (best < 0 || value > x.data()[best] || std::isnan(value)) best = pixel;
    });
    by_input.add(best, static_cast<double>(dy.data()[to]));
    const Scalar value = y.value().data()[to];
    if (value != x.data()[best] && !(std::isnan(value) && std::isnan(x.data()[best]))) return false;
  }
  backward(y, dy);
  return by_input.first_far(in.grad()) == -1;
}

/// Whether avg_pool2d is the mean of each window, with or without the padding, and gives its share to every pixel.
[[nodiscard]] inline bool means_of_windows(const Tensor& x, const Pool2dOptions& o, bool count_padding,
                                           const Tensor& dy) {
  const Variable in(x, true), y = avg_pool2d(in, o, count_padding);
  plain::Sums forward(dy.numel()), by_input(x.numel());
  for (std::int64_t to = 0; to < dy.numel(); ++to) {
    double cells = 0;
    for_each_cell(x.shape(), y.shape(), o, to, [&](std::int64_t) { ++cells; });
    if (count_padding) cells = static_cast<double>(o.size[0] * o.size[1]);
    for_each_cell(x.shape(), y.shape(), o, to, [&](std::int64_t pixel) {
      forward.add(to, static_cast<double>(x.data()[pixel]) / cells);
      by_input.add(pixel, static_cast<double>(dy.data()[to]) / cells);
    });
  }
  if (forward.first_far(y.value()) != -1) return false;
  backward(y, dy);
  return by_input.first_far(in.grad()) == -1;
}

}  // namespace tempera::core::plain
