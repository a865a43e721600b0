// What the convolution kernels work on: images read in place by offsets, instead of a matrix of their windows.
#pragma once

#include <cstdint>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// Neighbouring columns of a matrix of windows that are neighbouring pixels: column to + i is pixel from + i, i < count.
struct WindowRun {
  std::int64_t to, from, count;
};

/// C(m×n) = Σ_p a[rows[i] + steps[p]]·B(p, j), or C += it. B is a panel as gemm_pack_b makes it; m ≤ gemm_mr, n ≤
/// gemm_nr.
struct GatherTile {
  std::int64_t m = 0, n = 0, k = 0;
  const Scalar* a = nullptr;
  const std::int64_t* rows = nullptr;   ///< [m]
  const std::int64_t* steps = nullptr;  ///< [k]
  const Scalar* b = nullptr;
  Scalar* c = nullptr;
  std::int64_t c_row = 0;  ///< C(i, j) = c[i·c_row + j]
  bool accumulate = false;
};

/// Vectors of windows that a tile of one row takes: several sums are under way at a time all the same.
inline constexpr std::int64_t kSingleRowVectors = 8;

/// C(m×n) = relu(A·W + bias), where W's columns are windows that are read in place: vector v of lanes neighbouring windows
/// has pixel p at columns[v][offsets[p]] and the lanes after it, and its sums go to to[v] and the columns after it. Vectors
/// may overlap. n is a multiple of KernelTable::conv_lanes, n ≤ gemm_nr, or kSingleRowVectors of them if m is 1; m ≤ gemm_mr.
struct WindowTile {
  std::int64_t m = 0, n = 0, k = 0;
  const Scalar* a = nullptr;
  std::int64_t a_row = 0;                  ///< A(i, p) = a[i·a_row + p]
  const std::int64_t* offsets = nullptr;   ///< [k]
  const Scalar* const* columns = nullptr;  ///< [n / conv_lanes]
  const std::int64_t* to = nullptr;        ///< [n / conv_lanes]
  Scalar* c = nullptr;
  std::int64_t c_row = 0;            ///< lane l of vector v of row i is c[i·c_row + to[v] + l]
  const Scalar* row_bias = nullptr;  ///< [m], or null
  bool relu = false;                 ///< max(·, 0) last; NaN stays NaN
};

/// Lines of an output gradient beside the pixels that a kernel's taps meet: dy(y, x) = dy[y·width + x] and, of tap p,
/// image[offsets[p] + y·image_row + x].
struct TapPlane {
  std::int64_t height = 0, width = 0, k = 0;
  const std::int64_t* offsets = nullptr;  ///< [k]
  const Scalar *dy = nullptr, *image = nullptr;
  std::int64_t image_row = 0;
  Scalar* sums = nullptr;  ///< [k]
};

/// A plane of pixels that windows of 2×2 cover side by side, height/2 × width/2 of them; an odd row or column is left out.
struct PairPlane {
  std::int64_t height, width;
  std::int64_t row = width;  ///< from one row of pixels to the next
  [[nodiscard]] std::int64_t pixels() const noexcept { return height * width; }
  [[nodiscard]] std::int64_t windows() const noexcept { return (height / 2) * (width / 2); }
};

/// The windows of one plane, in pixels, with stride 1 either way.
struct FoldPlane {
  std::int64_t height, width, out_height, out_width;
  std::int64_t kernel_h, kernel_w, dilation_h, dilation_w, padding_h, padding_w;
};

}  // namespace tempera::core
