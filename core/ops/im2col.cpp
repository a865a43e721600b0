#include "tempera/core/ops/im2col.hpp"

#include <algorithm>
#include <cstring>

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

// Runs are a few pixels long: a call of memmove for each would cost more than the copying.
void copy_run(const Scalar* from, Scalar* to, std::int64_t count) {
  constexpr std::int64_t kBlock = 8;
  if (count < kBlock) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  for (std::int64_t i = 0; i + kBlock < count; i += kBlock) std::memcpy(to + i, from + i, kBlock * sizeof(Scalar));
  std::memcpy(to + count - kBlock, from + count - kBlock, kBlock * sizeof(Scalar));
}

void unfold_line(const Scalar* line, const Inside& x, std::int64_t stride, std::int64_t width, Scalar* out) {
  for (std::int64_t o = 0; o < x.first; ++o) out[o] = Scalar{0};
  if (stride == 1) {
    copy_run(line + x.offset + x.first, out + x.first, x.last - x.first);
  } else {
    for (std::int64_t o = x.first; o < x.last; ++o) out[o] = line[x.offset + o * stride];
  }
  for (std::int64_t o = x.last; o < width; ++o) out[o] = Scalar{0};
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

void im2col(const Windows& w, const Scalar* image, Scalar* matrix) noexcept {
  for_each_row(w, [&](std::int64_t plane, const Inside& y, const Inside& x, std::int64_t row) {
    Scalar* out = matrix + row * w.columns();
    std::fill(out, out + y.first * w.out_width, Scalar{0});
    for (std::int64_t o = y.first; o < y.last; ++o) {
      const Scalar* line = image + plane + (y.offset + o * w.stride_h) * w.width;
      unfold_line(line, x, w.stride_w, w.out_width, out + o * w.out_width);
    }
    std::fill(out + y.last * w.out_width, out + w.columns(), Scalar{0});
  });
}

void col2im(const Windows& w, const Scalar* matrix, Scalar* image) noexcept {
  for_each_row(w, [&](std::int64_t plane, const Inside& y, const Inside& x, std::int64_t row) {
    for (std::int64_t o = y.first; o < y.last; ++o) {
      const Scalar* in = matrix + row * w.columns() + o * w.out_width;
      Scalar* line = image + plane + (y.offset + o * w.stride_h) * w.width + x.offset;
      if (w.stride_w == 1) {
        for (std::int64_t i = x.first; i < x.last; ++i) line[i] += in[i];
      } else {
        for (std::int64_t i = x.first; i < x.last; ++i) line[i * w.stride_w] += in[i];
      }
    }
  });
}

}  // namespace tempera::core
