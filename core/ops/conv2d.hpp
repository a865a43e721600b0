// Two-dimensional convolution (cross-correlation, as in every framework).
#pragma once

#include <array>
#include <cstdint>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// How products are found. Winograd's algorithms F(2×2, 3×3) and F(4×4, 3×3) need 4/9 and 1/4 of the multiplications of the
/// direct sum and round more; kAuto takes them, and F(2×2, 5×5), where that stays within a bound (conv2d_winograd.hpp) and
/// is less work.
enum class ConvAlgorithm { kAuto, kDirect, kWinograd2x2, kWinograd4x4 };

/// Pairs are {vertical, horizontal}, in pixels.
struct Conv2dOptions {
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 2> padding{0,
                                      0};  ///< zeros on either side; with what is not finite they give NaN or nothing
  std::array<std::int64_t, 2> dilation{1, 1};
  std::int64_t groups = 1;
  bool relu = false;        ///< max(·, 0) behind the bias
  bool pool_pairs = false;  ///< max_pool2d by 2×2 last
  ConvAlgorithm algorithm = ConvAlgorithm::kAuto;

  /// Whether Winograd's algorithms can compute it: 3×3 weights, stride and dilation 1, one group.
  [[nodiscard]] bool allows_winograd(std::int64_t kernel_h, std::int64_t kernel_w) const noexcept {
    using Pair = std::array<std::int64_t, 2>;
    return kernel_h == 3 && kernel_w == 3 && stride == Pair{1, 1} && dilation == Pair{1, 1} && groups == 1;
  }
};

/// The filters of a weight that `conv2d` convolves with again and again, as Winograd's algorithms take them:
/// transformed in the first call that needs them, and anew after the weight was given other values.
class KeptFilters {
 public:
  /// Those for outputs of m×m, empty where they have yet to be made: whoever makes them puts them there.
  [[nodiscard]] Storage& of(const Tensor& weight, std::int64_t m);
  /// Lets go of the weight, whose next change would otherwise copy it.
  void forget() noexcept;

 private:
  Tensor weight_;  // shares its values, so that they cannot change unnoticed
  std::int64_t m_ = 0;
  Storage filters_;
};

/// Shape of conv2d's result, [batch, out, (H + 2·padding − dilation·(kernel − 1) − 1)/stride + 1, …]. Throws ShapeError
/// where the shapes do not fit, ConfigError for a stride, dilation or group count below 1 or a negative padding.
[[nodiscard]] Shape conv2d_shape(const Shape& x, const Shape& weight, const Conv2dOptions& options);

/// x [batch, in, H, W] with weight [out, in/groups, kh, kw] and bias [out] (empty: none) → conv2d_shape, and from there
/// what `relu` and `pool_pairs` make of it. Fused: defined by
/// max_pool2d(relu(add(conv2d(x, weight), reshape(bias, {1, out, 1, 1})))). Gradients are the same bits for every number of
/// threads, and so is an image's result in whatever batch it is. Of the algorithm asked for, gradients that it has no form of
/// (of the weight by F(2×2, 3×3), of the input with more padding than 2) take the direct one. Throws as conv2d_shape does,
/// as pool2d_shape where something is pooled, and ConfigError where a Winograd algorithm is asked for that !allows_winograd.
/// With `kept` filters are transformed once for many calls.
[[nodiscard]] Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias = {},
                              const Conv2dOptions& options = {}, KeptFilters* kept = nullptr);

}  // namespace tempera::core
