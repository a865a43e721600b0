// Folding batch norm into the weights before it (Jacob et al. 2018, §3.2; Krishnamoorthi 2018, §3.2).
//
//   γ·(w·x + b − μ)/√(σ² + ε) + β  =  (w·f)·x + (β + f·(b − μ))   with   f = γ/√(σ² + ε)
#pragma once

#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/graph.hpp"

namespace tempera::quant {

/// f for each channel, from the running statistics. γ = 0 gives 0; √(σ² + ε) is never 0, as ε > 0.
[[nodiscard]] core::Tensor fold_factor(const nn::graph::BatchNorm& norm);
/// f with 1 in place of 0: what a weight is multiplied by before it is quantized and divided by afterwards.
[[nodiscard]] core::Tensor invertible_factor(const nn::graph::BatchNorm& norm);
/// β + f·(b − μ) for each channel; `bias` may be empty.
[[nodiscard]] core::Tensor folded_bias(const nn::graph::BatchNorm& norm, const core::Tensor& bias);
/// A weight [out, …] with every output channel multiplied by its factor [out].
[[nodiscard]] core::Tensor scaled_channels(const core::Tensor& weight, const core::Tensor& factor);

/// A linear or convolution whose only reader is a batch norm: no site between them acts, and nothing else sees its value.
struct FoldedPair {
  nn::GraphValue weighted, norm;
};
[[nodiscard]] std::vector<FoldedPair> folded_pairs(const nn::Graph& graph);

}  // namespace tempera::quant
