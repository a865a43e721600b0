// QParams: the grid of integers that stands for real numbers. Fake quantization, the integer engine, the reference and the
// exporters all read this one type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tempera/core/shape.hpp"

namespace tempera::quant {

enum class Rounding { kHalfEven, kHalfAway, kHalfUp, kFloor, kStochastic };
inline constexpr std::string_view kRoundings[] = {"half_even", "half_away", "half_up", "floor", "stochastic"};

/// What shares a scale: the tensor; an output channel of a weight (axis 0); `group` neighbouring inputs of a channel.
enum class Granularity { kTensor, kChannel, kGroup };
inline constexpr std::string_view kGranularities[] = {"per_tensor", "per_channel", "per_group"};

/// x/s rounded to the integer that `rounding` says (ties: half_even as IEEE 754, half_away as C's round, half_up =
/// ⌊x+½⌋). Stochastic rounding is half_even here: it is for training only.
[[nodiscard]] double round_to(double x, Rounding rounding) noexcept;

/// q = clamp(round(x / scale) + zero_point, qmin, qmax) and x̂ = (q − zero_point)·scale, for each channel or group. The
/// division is a true one in float32. With `thresholds` it is q = qmin + #{i : x ≥ thresholds[i]} instead: steps of any
/// width, still of one height.
struct QParams {
  int bits = 8;
  bool is_signed = true;
  std::int32_t qmin = -127, qmax = 127;  ///< what bits, sign and narrow range allow
  Rounding rounding = Rounding::kHalfEven;
  Granularity granularity = Granularity::kTensor;
  std::int64_t group = 0;                   ///< inputs that share a scale, for kGroup
  std::vector<float> scale{1.0F};           ///< [1], [channels] or [channels · groups]; normal and positive
  std::vector<std::int32_t> zero_point{0};  ///< as many
  /// Empty, or qmax − qmin finite numbers that never fall; then there is one scale.
  std::vector<float> thresholds{};

  /// Position in `scale` for element `index` of a tensor of `shape` (weights: channels are axis 0).
  [[nodiscard]] std::size_t slot(std::int64_t index, const core::Shape& shape) const noexcept;
  [[nodiscard]] std::int32_t quantize(float x, std::size_t slot = 0) const noexcept;
  [[nodiscard]] float dequantize(std::int32_t q, std::size_t slot = 0) const noexcept {
    return static_cast<float>(q - zero_point[slot]) * scale[slot];
  }
  /// The grid that its values lie on: where they came from no longer matters, and they round to the nearest.
  [[nodiscard]] QParams of_values() const;
  /// Every zero point is 0.
  [[nodiscard]] bool symmetric() const noexcept;
};

/// What is said to someone who asks for 1 bit. Signs have no zero and no middle: they take layers and arithmetic of their own.
inline constexpr std::string_view kInsteadOfSigns =
    "1 bit, a sign, is for binary networks, whose layers this version does not have yet: nearest to it are 2 bits, or "
    "\"ternary\" for weights";

/// qmin and qmax of k bits: signed [−2^(k−1), 2^(k−1)−1], narrow [−(2^(k−1)−1), 2^(k−1)−1], unsigned [0, 2^k−1]. Throws
/// ConfigError unless 2 ≤ bits ≤ 16.
void set_range(QParams& params, int bits, bool is_signed, bool narrow);

/// Below this a scale is raised to it (the smallest normal float32).
inline constexpr float kSmallestScale = 1.17549435e-38F;

}  // namespace tempera::quant
