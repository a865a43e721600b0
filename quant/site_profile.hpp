// What quantization does to the values of each site: for reports.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"

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
  // The quantizer over the range of what it is given (a weight that batch norm is folded into: as it will have been scaled):
  // argument, value, and the derivative that training sees; and, where training has a soft
  // form, the hard one that is evaluated and shipped. Where channels have scales of their own, of the channel whose scale is the
  // median. Empty where a scale is one of a group, or nothing finite was seen.
  std::vector<double> argument, value, derivative, hard;
  std::optional<std::int64_t> channel;  ///< of the staircase, where there are several
};

/// Over the first `images` samples of pass 0, each site seeing what the quantized sites before it leave. Ranges must have been
/// chosen. A weight that lies on its grid already (adaround) is compared with what it was in floats, which `floats` has by
/// site: of itself rounding changes nothing. Throws DataError if the source has no samples, Interrupted.
[[nodiscard]] std::vector<SiteProfile> profile_sites(nn::Model& model, core::BatchSource& source, std::int64_t images,
                                                     const std::atomic<bool>* interrupt = nullptr,
                                                     const std::map<std::string, core::Tensor>& floats = {});

}  // namespace tempera::quant
