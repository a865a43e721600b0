// Cross-layer equalization (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
// arXiv 1906.04721, §4.1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tempera/nn/model.hpp"

namespace tempera::quant {

struct EqualizedPair {
  std::string first, second;  ///< paths of two layers, one behind the other
  double spread_before = 1;  ///< largest of max(r₁/r₂, r₂/r₁) over the channels between them, r the ranges max|w|
  double spread_after = 1;
};

/// Scales the channels between two weighted layers, W₁ by 1/s and W₂ by s with s = √(r₁r₂)/r₂ (eq. 11), so that both layers
/// use as much of their range for every channel; pair after pair, at most `rounds` times or until no s differs from 1 by more than 10⁻³.
/// The network in floats stays what it is up to rounding, since what stands between the two passes factors: nothing, ReLU,
/// pooling, flattening; and batch norm, whose gain and bias are scaled in place of W₁. A pair with anything else between,
/// with a second reader, or whose batch norm has no gain is left alone. To be called before ranges are chosen.
/// Throws UnsupportedError for a layer that has no graph.
std::vector<EqualizedPair> equalize(nn::Model& model, std::int64_t rounds = 20);

}  // namespace tempera::quant
