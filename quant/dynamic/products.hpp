// Linear layers and convolutions of dynamic quantization: floats in, integers inside, floats out.
#pragma once

#include <array>
#include <cstdint>

#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/dynamic/packed_weight.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant::dynamic {

/// x [batch, in] and the grid of each of its samples → [batch, out]; max(·, 0) last if `relu`.
[[nodiscard]] core::Tensor linear(const core::Tensor& x, const QParams& rows, const PackedWeight& weight, bool relu);

/// x [batch, in, H, W] → [batch, `output`]; `kernel` is {height, width} of the filters. Padding is the integer of 0. `options`
/// say whether max(·, 0) comes last.
[[nodiscard]] core::Tensor conv2d(const core::Tensor& x, const QParams& rows, const PackedWeight& weight,
                                  const core::Conv2dOptions& options, std::array<std::int64_t, 2> kernel,
                                  const core::Shape& output);

}  // namespace tempera::quant::dynamic
