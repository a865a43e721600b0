// How many bits the values have that each weight is multiplied with.
#pragma once

#include <map>
#include <string>

#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"

namespace tempera::quant {

/// By weight site ("conv1.weight"): the bits of the grid its layer's input lies on under the config's rules, 32 where that is
/// none. What only moves, selects or clips values keeps their grid. The model's transforms are as before when this returns.
/// Throws as attach, and UnsupportedError for a layer without a graph.
[[nodiscard]] std::map<std::string, int> input_bits(nn::Model& model, const QuantizationConfig& config);

}  // namespace tempera::quant
