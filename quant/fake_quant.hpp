// Fake quantization: real numbers moved onto a grid of integers, with a declared surrogate as the derivative.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "tempera/core/random.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

/// What stands in for the derivative of a staircase, with r = round(x/s) + z unclamped.
enum class Surrogate {
  kClipped,  ///< dx = dy where qmin ≤ r ≤ qmax, else 0 (Jacob et al. 2018; PyTorch); with thresholds from half a mean step
             ///< below the first to as much above the last
  kIdentity,  ///< dx = dy: the derivative before quantization is used as it is (Bengio et al. 2013)
};
inline constexpr std::string_view kSurrogates[] = {"ste_clipped", "ste_identity"};

/// The values of fake_quant.
[[nodiscard]] core::Tensor fake_quantized(const core::Tensor& x, const QParams& params,
                                          const core::Random* random = nullptr);

/// Is called for each run of values that share a scale, before they are quantized, from several threads: may set the slot's scale
/// and says where the values lie.
using RangeOfRun = std::function<Range(std::size_t slot, std::span<const Scalar> values)>;

/// (clamp(round(x/s) + z, qmin, qmax) − z)·s of every element, by the channel or group it is in (weights: axis 0; anything
/// else has one scale), or by the grid's thresholds. Equal in every bit to dequantizing QParams::quantize; NaN stays NaN. `random`
/// decides what stochastic rounding does with each element; without it that rounds half to even. Where the values are known to lie
/// within the grid the result is the same, and sooner there. `bytes`: may be core::ScaledBytes, which has no
/// NaN: for ranges of finite values, and zero points that stay 0.
[[nodiscard]] core::Variable fake_quant(const core::Variable& x, const QParams& params, Surrogate surrogate,
                                        const core::Random* random = nullptr, const RangeOfRun& range_of = {},
                                        bool bytes = false);

/// max_pool2d by pairs of fake_quant(x, …), of the same bits and with the same gradients; in one pass where the grid has one scale and
/// rounds half to even. `range`: where the values lie, if that is known.
[[nodiscard]] core::Variable fake_quant_pooled_pairs(const core::Variable& x, const QParams& params,
                                                     Surrogate surrogate, const core::Random* random,
                                                     std::optional<Range> range = {});

}  // namespace tempera::quant
