// AdaRound: weights are rounded up or down as the layer's outputs want it, not each to its nearest (Nagel et al. 2020, "Up or
// Down? Adaptive Rounding for Post-Training Quantization", arXiv 2004.10568).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::quant {

struct AdaRoundConfig {
  std::int64_t images = 512;  ///< whose activations the layers are fitted to
  std::int64_t iterations = 1000;
  std::int64_t batch = 32;      ///< images a step; no more than there are
  double learning_rate = 0.03;  ///< of Adam on V
  double regularization = 3;    ///< weight of the term that drives h to 0 or 1, where nearest rounding errs by 1
  double warmup = 0.2;          ///< share of the iterations without that term
  double beta_from = 20, beta_to = 2;
  std::int64_t seed = 0;  ///< of the order of images
  void fields(core::FieldVisitor& v);
};

struct RoundedLayer {
  std::string layer;
  double nearest_error = 0;  ///< mean of (ŷ − y)² over outputs and images with every weight rounded to its nearest
  double error = 0;          ///< and with the rounding found; never larger
  std::int64_t changed = 0;  ///< weights that are not rounded to their nearest
  std::int64_t weights = 0;  ///< of how many
  std::string skipped;       ///< why the layer was left as it is; empty if it was not
  std::string site;          ///< of the weight; empty where the layer was skipped
  core::Tensor before;       ///< the weight as it was, in floats; empty where the layer was skipped
};

/// Chooses the rounding of every quantized weight of linear and convolution layers, from the input on, and writes it into the
/// weights: each becomes a point of its grid, so that rounding it to the nearest gives what was found. y is the layer's
/// output in the float network, ŷ what the quantized weight makes of the values that come out of the layers quantized
/// before it (asymmetric reconstruction, eq. 25 without the activation function); h(V) is the rectified sigmoid of eq. 23
/// and the regularizer that of eq. 24, with β falling along a half cosine. Where the result is no better than the nearest,
/// the nearest stays. Ranges must have been chosen; they must not be chosen again afterwards. Throws DataError for a
/// source without samples, UnsupportedError for a layer without graph, Interrupted.
std::vector<RoundedLayer> adaround(nn::Model& model, core::BatchSource& source, const AdaRoundConfig& config,
                                   const std::atomic<bool>* interrupt = nullptr);

}  // namespace tempera::quant
