// What quantization does to the values of each site: for reports.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/drawn_staircase.hpp"

namespace tempera::quant {

struct SiteProfile {
  std::string site;
  nn::SiteKind kind = nn::SiteKind::kOutput;
  std::string quantizer_grid;  ///< "4 bit, signed, per_channel", or "16 bit float"
  int bits = 32;
  std::int64_t values = 0;  ///< numbers that are stored (weights), or of one sample (activations)
  double sqnr = 0;          ///< as SignalToNoise
  bool folded = false;      ///< a weight that is quantized as a batch norm will have scaled it
  // Of the first batch: counts of the values before and after in equal bins from low to high. Of a folded weight as it is
  // stored, with the factors of its channels taken out again.
  double low = 0, high = 0;
  std::vector<double> before, after;
  DrawnStaircase staircase;
};

/// Over the first `images` samples of pass 0, each site seeing what the quantized sites before it leave. Ranges must have been
/// chosen. A weight that lies on its grid already (adaround) is compared with what it was in floats, which `floats` has by
/// site: of itself rounding changes nothing. Soft forms are drawn as epoch `epoch` (from 0) has trained them. Throws DataError
/// if the source has no samples, Interrupted.
[[nodiscard]] std::vector<SiteProfile> profile_sites(nn::Model& model, core::BatchSource& source, std::int64_t images,
                                                     const std::atomic<bool>* interrupt = nullptr,
                                                     const std::map<std::string, core::Tensor>& floats = {},
                                                     std::int64_t epoch = 0);

}  // namespace tempera::quant
