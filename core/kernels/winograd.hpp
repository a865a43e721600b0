// What the kernels of Winograd's convolution work on. F(m×m, r×r) makes m×m outputs of an r×r filter from (m+r−1)² products
// instead of r²·m²: Y = Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A (Lavin & Gray 2016, arXiv:1509.09308, equation 8).
#pragma once

#include <array>
#include <cstdint>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// The matrices of F(m, r), by row; m + r − 1 points are the rows of Bᵀ and G and the columns of Aᵀ.
template <int M, int R>
struct WinogradMatrices;

/// Points 0, 1, −1, ∞.
template <>
struct WinogradMatrices<2, 3> {
  static constexpr double kData[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
  static constexpr double kFilter[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  static constexpr double kOutput[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
};

/// Points 0, ±√½, ±√2, ∞: for every point its inverse, which amplifies rounding 3.7 times less than Lavin's 0, ±1, ±2, ∞
/// does (docs/decisions/winograd-convolution.md; Barabasz et al. 2018, arXiv:1803.10986, section 6).
template <>
struct WinogradMatrices<4, 3> {
  static constexpr double kRoot = 1.41421356237309504880;
  static constexpr double kData[6][6] = {{1, 0, -2.5, 0, 1, 0},
                                         {0, -kRoot, -2, kRoot / 2, 1, 0},
                                         {0, kRoot, -2, -kRoot / 2, 1, 0},
                                         {0, -kRoot / 2, -0.5, kRoot, 1, 0},
                                         {0, kRoot / 2, -0.5, -kRoot, 1, 0},
                                         {0, 1, 0, -2.5, 0, 1}};
  static constexpr double kFilter[6][3] = {{1, 0, 0},
                                           {-2.0 / 3, -kRoot / 3, -1.0 / 3},
                                           {-2.0 / 3, kRoot / 3, -1.0 / 3},
                                           {1.0 / 6, kRoot / 6, 1.0 / 3},
                                           {1.0 / 6, -kRoot / 6, 1.0 / 3},
                                           {0, 0, 1}};
  static constexpr double kOutput[4][6] = {{1, 1, 1, 1, 1, 0},
                                           {0, kRoot / 2, -kRoot / 2, kRoot, -kRoot, 0},
                                           {0, 0.5, 0.5, 2, 2, 0},
                                           {0, kRoot / 4, -kRoot / 4, 2 * kRoot, -2 * kRoot, 1}};
};

/// The same points, and so the same Bᵀ.
template <>
struct WinogradMatrices<2, 5> {
  static constexpr double kRoot = WinogradMatrices<4, 3>::kRoot;
  static constexpr auto& kData = WinogradMatrices<4, 3>::kData;
  static constexpr double kFilter[6][5] = {{1, 0, 0, 0, 0},
                                           {-2.0 / 3, -kRoot / 3, -1.0 / 3, -kRoot / 6, -1.0 / 6},
                                           {-2.0 / 3, kRoot / 3, -1.0 / 3, kRoot / 6, -1.0 / 6},
                                           {1.0 / 6, kRoot / 6, 1.0 / 3, kRoot / 3, 2.0 / 3},
                                           {1.0 / 6, -kRoot / 6, 1.0 / 3, -kRoot / 3, 2.0 / 3},
                                           {0, 0, 0, 0, 1}};
  static constexpr double kOutput[2][6] = {{1, 1, 1, 1, 1, 0}, {0, kRoot / 2, -kRoot / 2, kRoot, -kRoot, 1}};
};

/// Small squares transformed to their (m+r−1)² points: the square of lane j and item i stands at from[j] + offsets[i], its
/// rows `row` apart, and point p of it goes to to[p·point_step + i·item_step + j]. Up to the next multiple of gemm_nr,
/// lanes past the last may be overwritten.
struct WinogradGather {
  std::int64_t outputs = 4, taps = 3;  ///< m and r: 4 and 3, 2 and 3, or 2 and 5
  std::int64_t lanes = 0, items = 0;
  const Scalar* const* from = nullptr;    ///< [lanes]
  const std::int64_t* offsets = nullptr;  ///< [items]
  std::int64_t row = 0;
  bool flipped = false;  ///< of filters: turned by 180°, as the input gradient needs them
  Scalar* to = nullptr;
  std::int64_t point_step = 0, item_step = 0;
};

/// Sums by point transformed to outputs: those of item i and lane j, m[p·point_step + i·item_step + j], become the first
/// heights[j]×widths[j] of m×m outputs at to[j] + offsets[i], rows `row` apart.
struct WinogradScatter {
  std::int64_t outputs = 4, taps = 3;  ///< m and r
  std::int64_t lanes = 0, items = 0;
  const Scalar* from = nullptr;
  std::int64_t point_step = 0, item_step = 0;
  Scalar* const* to = nullptr;            ///< [lanes]
  const std::int64_t* offsets = nullptr;  ///< [items]
  const std::int64_t* heights = nullptr;  ///< [lanes], 1 … m
  const std::int64_t* widths = nullptr;   ///< [lanes], 1 … m
  std::int64_t row = 0;
  const Scalar* bias = nullptr;  ///< [items], or null
  bool relu = false;             ///< max(·, 0) last; NaN stays NaN
};

}  // namespace tempera::core
