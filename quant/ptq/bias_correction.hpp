// Empirical bias correction (Nagel et al. 2019, arXiv 1906.04721, §4.2 and appendix D).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::quant {

struct BiasShift {
  std::string layer;          ///< whose bias was corrected: the weighted layer, or the batch norm folded into it
  double largest_before = 0;  ///< largest |E[ỹ] − E[y]| over the channels when the layer's turn came
  double largest_after = 0;   ///< and after its correction
};

/// Rounding weights and activations shifts the mean of a layer's outputs. Layer by layer, from the input on, the shift of
/// each channel, the quantized network's mean over the first `images` samples minus the float network's, is taken off the
/// layer's bias. Ranges must have been chosen and stay. A layer without a bias to correct, of its own or of the batch norm
/// behind it, is left out. Throws DataError for a source without samples, UnsupportedError for a layer without graph.
std::vector<BiasShift> correct_biases(nn::Model& model, core::BatchSource& source, std::int64_t images);

}  // namespace tempera::quant
