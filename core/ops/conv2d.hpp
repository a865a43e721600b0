// Two-dimensional convolution (cross-correlation, as in every framework).
#pragma once

#include <array>
#include <cstdint>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// Pairs are {vertical, horizontal}, in pixels.
struct Conv2dOptions {
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 2> padding{0, 0};  ///< zeros on either side
  std::array<std::int64_t, 2> dilation{1, 1};
  std::int64_t groups = 1;
  bool relu = false;  ///< max(·, 0) last
};

/// Shape of conv2d's result, [batch, out, (H + 2·padding − dilation·(kernel − 1) − 1)/stride + 1, …]. Throws ShapeError
/// where the shapes do not fit, ConfigError for a stride, dilation or group count below 1 or a negative padding.
[[nodiscard]] Shape conv2d_shape(const Shape& x, const Shape& weight, const Conv2dOptions& options);

/// x [batch, in, H, W] with weight [out, in/groups, kh, kw] and bias [out] (empty: none) → conv2d_shape. Fused: defined
/// by relu(add(conv2d(x, weight), reshape(bias, {1, out, 1, 1}))). Gradients are the same bits for every number of
/// threads. Throws as conv2d_shape does.
[[nodiscard]] Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias = {},
                              const Conv2dOptions& options = {});

}  // namespace tempera::core
