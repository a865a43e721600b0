#include "tempera/core/ops/windows.hpp"

#include <algorithm>

#include "tempera/core/kernels/table.hpp"

namespace tempera::core {
namespace {

// Calls fn(plane of the image, kernel row's Inside, kernel column's Inside, row of the matrix) for each matrix row.
template <class Fn>
void for_each_row(const Windows& w, Fn&& fn) {
  std::int64_t row = 0;
  for (std::int64_t c = 0; c < w.channels; ++c) {
    for (std::int64_t ky = 0; ky < w.kernel_h; ++ky) {
      const Inside y = inside(ky, w.dilation_h, w.stride_h, w.padding_h, w.height, w.out_height);
      for (std::int64_t kx = 0; kx < w.kernel_w; ++kx, ++row) {
        fn(c * w.height * w.width, y, inside(kx, w.dilation_w, w.stride_w, w.padding_w, w.width, w.out_width), row);
      }
    }
  }
}

// For steps that leave pixels out; conv_fold has neighbours.
void fold_strided(const Windows& w, const Scalar* matrix, Scalar* image) noexcept {
  std::fill(image, image + w.pixels(), Scalar{0});
  for_each_row(w, [&](std::int64_t plane, const Inside& y, const Inside& x, std::int64_t row) {
    for (std::int64_t o = y.first; o < y.last; ++o) {
      const Scalar* in = matrix + row * w.columns() + o * w.out_width;
      Scalar* line = image + plane + (y.offset + o * w.stride_h) * w.width + x.offset;
      for (std::int64_t i = x.first; i < x.last; ++i) line[i * w.stride_w] += in[i];
    }
  });
}

}  // namespace

Inside inside(std::int64_t k, std::int64_t dilation, std::int64_t stride, std::int64_t padding, std::int64_t extent,
              std::int64_t outputs) noexcept {
  const std::int64_t offset = k * dilation - padding;
  if (stride == 1) {  // divisions would show in the time of small convolutions
    const std::int64_t low = std::clamp<std::int64_t>(-offset, 0, outputs);
    return {low, std::clamp(extent - offset, low, outputs), offset};
  }
  const std::int64_t first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const std::int64_t last = offset >= extent ? 0 : (extent - offset + stride - 1) / stride;
  const std::int64_t bounded = std::min(first, outputs);
  return {bounded, std::clamp(last, bounded, outputs), offset};
}

void fold(const Windows& w, const Scalar* matrix, Scalar* image) {
  if (w.stride_h != 1 || w.stride_w != 1) return fold_strided(w, matrix, image);
  const FoldPlane plane{.height = w.height,
                        .width = w.width,
                        .out_height = w.out_height,
                        .out_width = w.out_width,
                        .kernel_h = w.kernel_h,
                        .kernel_w = w.kernel_w,
                        .dilation_h = w.dilation_h,
                        .dilation_w = w.dilation_w,
                        .padding_h = w.padding_h,
                        .padding_w = w.padding_w};
  const std::int64_t rows = w.kernel_h * w.kernel_w;
  for (std::int64_t c = 0; c < w.channels; ++c) {
    kernels().conv_fold(plane, matrix + c * rows * w.columns(), image + c * w.height * w.width);
  }
}

}  // namespace tempera::core
