// From a trained model with quantizers to a Program of integers.
#pragma once

#include <cstdint>

#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// What lowering had to give way on.
struct LowerReport {
  std::int64_t saturated_biases = 0;  ///< that their accumulators had no room for
};

/// Folds batch norm, rounds biases to the accumulator's scale, makes fixed-point multipliers, proves that no accumulator can
/// overflow. Throws UnsupportedError with layer and reason for what cannot be lowered: a layer without integer form, a
/// value that reaches a weight without a quantizer, a quantizer without a grid, a bound beyond int32.
/// `report`, if not null, is filled in.
[[nodiscard]] Program lower(const nn::Model& model, const LowerConfig& config, LowerReport* report = nullptr);

}  // namespace tempera::quant
