// The integers of a linear or convolution layer: weights with batch norm folded in, biases at the accumulator's scale.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/program.hpp"
#include "tempera/quant/quantizer.hpp"

namespace tempera::quant {

/// What a linear layer or a convolution multiplies by.
struct WeightSource {
  const nn::Variable &weight, &bias;
  const nn::Site& site;
};
[[nodiscard]] WeightSource weight_source(const nn::GraphNode& node);

/// The weight's integers as its site gives them: those of the weight, times the factor of a batch norm where the site folds
/// one in. Throws UnsupportedError naming the layer for a weight without a quantizer, without a grid, or with more than 8 bits,
/// NumericError naming the site for one that is not finite.
[[nodiscard]] Integers weight_integers(const nn::GraphNode& node);

struct LoweredWeight {
  ProgramWeight weight;
  std::vector<double> scale;       ///< of the accumulator, s_x·s_w: [1], or [out]
  std::vector<std::int32_t> bias;  ///< [out]
  std::int64_t saturated = 0;      ///< biases that did not fit
  std::int64_t reach = 0;          ///< no accumulator's magnitude exceeds this, whatever the input
};

/// What the input contributes.
struct WeightInput {
  double scale;        ///< s_x
  std::int64_t reach;  ///< largest |q − z|
};

/// `norm` follows the layer and is folded in; null: none does. Throws UnsupportedError naming the layer for a weight without
/// a quantizer, with more than 8 bits, with scales within a channel, or whose accumulators could leave int32.
[[nodiscard]] LoweredWeight lower_weight(const nn::GraphNode& node, const nn::graph::BatchNorm* norm,
                                         const WeightInput& input);

}  // namespace tempera::quant
