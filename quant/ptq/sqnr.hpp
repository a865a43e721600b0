// Signal to quantization noise of every site.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::quant {

struct SiteNoise {
  std::string site;
  int bits = 0;
  double decibels = 0;  ///< 10·log10(Σx² / Σ(x̂ − x)²); +∞ without noise, NaN for values that are all 0
};

/// How much each quantizer of the model disturbs the values that the network has in floats at its site: x̂ is what it makes
/// of x, and every site is fed with undisturbed values, so that one site's noise is not another's. Runs the first
/// `images` samples. Quantizers must be ready; in order of execution. Throws DataError for a source without samples.
[[nodiscard]] std::vector<SiteNoise> site_noise(nn::Model& model, core::BatchSource& source, std::int64_t images);

}  // namespace tempera::quant
