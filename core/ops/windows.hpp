// The windows of an image as the columns of a matrix, and the sum of such columns by pixel.
#pragma once

#include <cstdint>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// Windows over `channels` planes of height × width, in pixels; out_height × out_width of them.
struct Windows {
  std::int64_t channels = 1, height = 1, width = 1;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t padding_h = 0, padding_w = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;
  std::int64_t out_height = 1, out_width = 1;

  [[nodiscard]] std::int64_t rows() const noexcept { return channels * kernel_h * kernel_w; }
  [[nodiscard]] std::int64_t columns() const noexcept { return out_height * out_width; }
  [[nodiscard]] std::int64_t pixels() const noexcept { return channels * height * width; }
  /// Every window is one pixel and there is one for each: the image is its own matrix.
  [[nodiscard]] bool is_identity() const noexcept {
    return kernel_h == 1 && kernel_w == 1 && stride_h == 1 && stride_w == 1 && padding_h == 0 && padding_w == 0;
  }
};

/// The outputs [first, last) along one axis whose input at kernel position `k` lies inside of the image.
struct Inside {
  std::int64_t first, last;
  std::int64_t offset;  ///< input position of output 0; that of output o is offset + o·stride
};
[[nodiscard]] Inside inside(std::int64_t k, std::int64_t dilation, std::int64_t stride, std::int64_t padding,
                            std::int64_t extent, std::int64_t outputs) noexcept;

/// image = the adjoint of unfolding it: each pixel is the sum of the elements of matrix [channels·kh·kw,
/// out_height·out_width] that stand for it.
void fold(const Windows& w, const Scalar* matrix, Scalar* image);

}  // namespace tempera::core
