// Two-dimensional pooling over [batch, channels, height, width].
#pragma once

#include <array>
#include <cstdint>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// Pairs are {vertical, horizontal}, in pixels.
struct Pool2dOptions {
  std::array<std::int64_t, 2> size{2, 2};
  std::array<std::int64_t, 2> stride{0, 0};  ///< 0: the size
  std::array<std::int64_t, 2> padding{0, 0};
};

/// [batch, channels, (H + 2·padding − size)/stride + 1, …]. Throws ShapeError for another rank or a window larger than
/// the padded input, ConfigError unless size ≥ 1, stride ≥ 0 and 0 ≤ padding ≤ size/2.
[[nodiscard]] Shape pool2d_shape(const Shape& x, const Pool2dOptions& options);

/// Windows of 2×2 beside each other, without padding: most of all poolings, which have kernels of their own.
[[nodiscard]] bool pools_pairs(const Pool2dOptions& options) noexcept;

/// The largest of each window; padding is never chosen, NaN always is. The first of equals, row by row, receives the
/// gradient (as in PyTorch).
[[nodiscard]] Variable max_pool2d(const Variable& x, const Pool2dOptions& options = {});

/// The mean of each window, over its cells inside of the image or, with `count_padding`, over all its cells (PyTorch's
/// count_include_pad).
[[nodiscard]] Variable avg_pool2d(const Variable& x, const Pool2dOptions& options = {}, bool count_padding = false);

/// The mean over height and width: [batch, channels, H, W] → [batch, channels].
[[nodiscard]] Variable global_avg_pool2d(const Variable& x);

}  // namespace tempera::core
