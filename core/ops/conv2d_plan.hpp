// The geometry of one convolution, and its two ways of computing: by matrix products and, for depthwise ones, directly.
#pragma once

#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/im2col.hpp"

namespace tempera::core {

/// Windows are those of one group.
struct ConvPlan {
  Windows windows;
  std::int64_t images = 0, groups = 1;
  std::int64_t outputs = 0;  ///< output channels of one group

  [[nodiscard]] std::int64_t flops() const noexcept { return 2 * outputs * windows.rows() * windows.columns(); }
  /// One input channel a group: a matrix product would have an inner extent of nothing but the kernel.
  [[nodiscard]] bool depthwise() const noexcept { return windows.channels == 1 && groups > 1; }
};

// Each sums over images in an order that depends on the plan alone. `bias` may be null.
[[nodiscard]] Tensor conv_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias,
                                  bool relu, const Shape& result);
[[nodiscard]] Tensor conv_by_input(const ConvPlan& plan, const Tensor& dy, const Tensor& weight, const Shape& input);
[[nodiscard]] Tensor conv_by_weight(const ConvPlan& plan, const Tensor& dy, const Tensor& x, const Shape& weight);

[[nodiscard]] Tensor depthwise_forward(const ConvPlan& plan, const Tensor& x, const Tensor& weight, const Scalar* bias,
                                       bool relu, const Shape& result);
[[nodiscard]] Tensor depthwise_by_input(const ConvPlan& plan, const Tensor& dy, const Tensor& weight,
                                        const Shape& input);
[[nodiscard]] Tensor depthwise_by_weight(const ConvPlan& plan, const Tensor& dy, const Tensor& x, const Shape& weight);

}  // namespace tempera::core
