// Convolution from fewer products: Winograd's algorithms F(2×2, 3×3) and F(4×4, 3×3), and F(2×2, 5×5).
#pragma once

#include <cstdint>

#include "tempera/core/ops/conv2d_plan.hpp"

namespace tempera::core {

enum class ConvPass { kForward, kByInput, kByWeight };

/// A factor E such that every element of the result is within E · Σ‖a‖·‖b‖ of the exact one, where the sum goes over the
/// `terms` squares that meet in it (input channels forward, output channels for the input gradient, tiles of all images
/// for the weight gradient) and ‖·‖ is the largest magnitude in a square: m = 2 or 4 for F(m×m, 3×3), 2 for
/// F(2×2, 5×5), m = 1 for the direct sum of taps² products a square (for the weight gradient: of as many as such a tile has pixels). E = κ²·γ(terms + n), γ(n) = n·u/(1 − n·u), u = 2⁻²⁴ (2⁻⁵³ in
/// double precision), κ the norm of the three matrices' magnitudes in a row and n the roundings of the transforms. The
/// derivation is in docs/decisions/winograd-convolution.md.
[[nodiscard]] double conv_error_factor(std::int64_t m, ConvPass pass, std::int64_t terms,
                                       std::int64_t taps = 3) noexcept;

/// m of the algorithm that a pass takes, 1 for the direct one. For "auto" it depends on the extents of an image alone
/// (and, for the weight gradient, on the number of images): the largest m whose error factor is at most kAutoErrorRatio
/// times that of the direct sum and whose work is estimated to be less.
[[nodiscard]] std::int64_t winograd_outputs(const ConvPlan& plan, ConvAlgorithm algorithm, ConvPass pass) noexcept;
constexpr double kAutoErrorRatio = 32;

/// A convolution with filters of taps×taps, step 1: y = relu(Σ_i w(o, i) ⋆ x(i) + bias). Filter (o, i) stands at w + o·w_out + i·w_in.
struct WinogradConvolution {
  std::int64_t outputs = 4, taps = 3;  ///< m and r of F(m×m, r×r)
  std::int64_t images = 0, in = 0, out = 0;
  std::int64_t height = 0, width = 0, padding_h = 0, padding_w = 0;
  std::int64_t out_height = 0, out_width = 0;
  const Scalar* x = nullptr;
  const Scalar* mask = nullptr;    ///< of x's shape, or null: only where it is positive x counts
  const Scalar* chosen = nullptr;  ///< as in ConvGradients
  const Scalar* w = nullptr;
  std::int64_t w_out = 0, w_in = 0;
  bool flipped = false;        ///< filters turned by 180°
  Storage* filters = nullptr;  ///< transformed before, or empty and then filled; null: transformed for this call
  const Scalar* bias = nullptr;
  bool relu = false;
  Scalar* y = nullptr;
};
/// The same bits for any number of threads, and for an image whatever batch it is in.
void winograd_convolve(const WinogradConvolution& c);

/// Like conv_forward, with `filters` as in WinogradConvolution.
[[nodiscard]] Tensor winograd_forward(const ConvPlan& plan, std::int64_t m, const Tensor& x, const Tensor& weight,
                                      Storage* filters, const Scalar* bias, bool relu, const Shape& result);
/// dx.
void winograd_by_input(const ConvPlan& plan, std::int64_t m, const ConvGradients& g);
/// dw and, if wanted, dbias; by F(4×4, 3×3) or F(2×2, 5×5).
void winograd_by_weight(const ConvPlan& plan, const ConvGradients& g);

}  // namespace tempera::core
