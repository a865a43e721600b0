// The sliding window that convolution and pooling share.
#pragma once

#include <cstdint>

#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// A square window that moves over an image; all in pixels.
struct Window {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
};

/// [c, h, w] → [c, h', w'] with h' = ⌊(h + 2·padding − dilation·(kernel−1) − 1) / stride⌋ + 1, from the builder's input.
/// Throws LayerShapeError if that is no image, a number is out of range, or the window is larger than the padded image.
[[nodiscard]] core::Shape windowed(const LayerBuilder& b, const Window& window);

}  // namespace tempera::nn
