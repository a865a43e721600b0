// Reference kernels: convolution from the image.
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

void pack(std::int64_t k, const std::int64_t* offsets, std::int64_t count, const WindowRun* runs, const Scalar* image,
          Scalar* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p, panel += kScalarColumns) {
    for (const WindowRun* run = runs; run != runs + count; ++run) {
      for (std::int64_t i = 0; i < run->count; ++i) panel[run->to + i] = image[offsets[p] + run->from + i];
    }
  }
}

void gather(const GatherTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      Scalar sum = 0;
      for (std::int64_t p = 0; p < t.k; ++p) sum += t.a[t.rows[i] + t.steps[p]] * t.b[p * kScalarColumns + j];
      Scalar& c = t.c[i * t.c_row + j];
      c = t.accumulate ? c + sum : sum;
    }
  }
}

void windows(const WindowTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      Scalar sum = 0;
      for (std::int64_t p = 0; p < t.k; ++p) sum += t.a[i * t.a_row + p] * t.columns[j][t.offsets[p]];
      if (t.row_bias != nullptr) sum += t.row_bias[i];
      t.c[i * t.c_row + t.to[j]] = t.relu && sum < 0 ? Scalar{0} : sum;
    }
  }
}

Scalar fold_pixel(const FoldPlane& f, const Scalar* matrix, std::int64_t y, std::int64_t x) noexcept {
  Scalar sum = 0;
  for (std::int64_t ky = 0; ky < f.kernel_h; ++ky) {
    const std::int64_t oy = y + f.padding_h - ky * f.dilation_h;
    if (oy < 0 || oy >= f.out_height) continue;
    for (std::int64_t kx = 0; kx < f.kernel_w; ++kx) {
      const std::int64_t ox = x + f.padding_w - kx * f.dilation_w;
      if (ox < 0 || ox >= f.out_width) continue;
      sum += matrix[((ky * f.kernel_w + kx) * f.out_height + oy) * f.out_width + ox];
    }
  }
  return sum;
}

void fold(const FoldPlane& f, const Scalar* matrix, Scalar* plane) noexcept {
  for (std::int64_t y = 0; y < f.height; ++y) {
    for (std::int64_t x = 0; x < f.width; ++x) plane[y * f.width + x] = fold_pixel(f, matrix, y, x);
  }
}

void taps(const TapPlane& t) noexcept {
  for (std::int64_t p = 0; p < t.k; ++p) {
    double sum = 0;
    for (std::int64_t y = 0; y < t.height; ++y) {
      const Scalar *dy = t.dy + y * t.width, *image = t.image + t.offsets[p] + y * t.image_row;
      for (std::int64_t x = 0; x < t.width; ++x) sum += static_cast<double>(dy[x]) * static_cast<double>(image[x]);
    }
    t.sums[p] += static_cast<Scalar>(sum);
  }
}

}  // namespace

void fill_scalar_conv(KernelTable& table) {
  table.conv_pack = pack;
  table.conv_gather = gather;
  table.conv_lanes = 1;
  table.conv_windows = windows;
  table.conv_fold = fold;
  table.conv_taps = taps;
}

}  // namespace tempera::core::detail
