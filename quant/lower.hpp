// From a trained model with quantizers to a Program of integers.
#pragma once

#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// Folds batch norm, rounds biases to the accumulator's scale, makes fixed-point multipliers, proves that no accumulator can
/// overflow. Throws UnsupportedError with layer and reason for what cannot be lowered: a layer without integer form, a
/// value that reaches a weight without a quantizer, a quantizer without a grid, a bound beyond int32.
[[nodiscard]] Program lower(const nn::Model& model, const LowerConfig& config);

}  // namespace tempera::quant
