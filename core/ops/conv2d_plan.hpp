// The geometry of one convolution, and its ways of computing: by matrix products, and channel by channel.
#pragma once

#include <algorithm>

#include "tempera/core/integers.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/pair_pool.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/windows.hpp"

namespace tempera::core {

/// Windows are those of one group.
struct ConvPlan {
  Windows windows;
  std::int64_t images = 0, groups = 1;
  std::int64_t outputs = 0;  ///< output channels of one group

  [[nodiscard]] std::int64_t flops() const noexcept { return 2 * outputs * windows.rows() * windows.columns(); }
  /// One input channel a group: a product has an inner extent of nothing but the kernel, and mostly one row.
  [[nodiscard]] bool depthwise() const noexcept { return windows.channels == 1 && groups > 1; }
};

constexpr std::int64_t kChunkFlops = 1 << 21;  // about 20 µs of work: small against the cost of starting threads

[[nodiscard]] inline Storage scalars(std::int64_t count) {
  return Storage(static_cast<std::size_t>(count) * sizeof(Scalar));
}
[[nodiscard]] inline Scalar* data_of(const Storage& storage) noexcept { return static_cast<Scalar*>(storage.data()); }
/// Groups of images in one chunk of a parallel loop.
[[nodiscard]] inline std::int64_t items_per_chunk(const ConvPlan& plan) noexcept {
  return std::max<std::int64_t>(1, kChunkFlops / std::max<std::int64_t>(1, plan.flops()));
}

/// What a backward pass is given and asked for. All of conv2d's shapes; null where it is not wanted.
struct ConvGradients {
  const Scalar *dy, *y;  ///< y: the result, if a rectifier made it
  const Scalar* chosen;  ///< if max_pool2d by pairs follows: dy is the gradient of what it gives
  const Scalar *x, *w;
  Scalar *dx, *dw, *dbias;
};

// Each sums over images in an order that depends on the plan alone. `bias` may be null.
[[nodiscard]] Tensor conv_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias,
                                  bool relu, const Shape& result);
/// conv_forward and pool_pairs, image by image: what is pooled does not leave the second cache.
[[nodiscard]] PairPool conv_pool_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight,
                                         const Scalar* bias, bool relu, const Shape& result);
void conv_backward(const ConvPlan& plan, const ConvGradients& gradients);

// Into how many parts the images of a batch may be cut whose weight gradients, of so many elements, are summed apart: 16
// threads have work, and large weights need no more memory than 2^22 sums.
[[nodiscard]] constexpr std::int64_t weight_gradient_parts(std::int64_t elements) noexcept {
  return std::clamp<std::int64_t>((std::int64_t{1} << 22) / std::max<std::int64_t>(1, elements), 1, 16);
}

// The same by products in bf16, of operands that need not be rounded. There is no `y`, and `dbias` is left alone.
[[nodiscard]] Tensor bf16_conv_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias,
                                       bool relu, const Shape& result);
void bf16_conv_backward(const ConvPlan& plan, const ConvGradients& gradients);

/// Vectors that cover a row of outputs, the last as far to the right as it goes; 0 where conv_forward does not read windows in
/// place, because their neighbours' pixels are none or too much would be computed twice.
[[nodiscard]] std::int64_t vectors_per_row(const Windows& w) noexcept;

[[nodiscard]] Tensor depthwise_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias,
                                       bool relu, const Shape& result);
[[nodiscard]] Tensor depthwise_by_input(const ConvPlan& plan, const Tensor& dy, const Tensor& weight,
                                        const Shape& input);
[[nodiscard]] Tensor depthwise_by_weight(const ConvPlan& plan, const Tensor& dy, const Tensor& x, const Shape& weight);

}  // namespace tempera::core
