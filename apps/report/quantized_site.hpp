// quantization.json: what each quantized site does to the values that pass it, and the proof that all roads meet.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace tempera::cli::report {

struct QuantizedSite {
  std::string site;
  std::string kind;       ///< "weight" or "activation"
  std::string quantizer;  ///< its type, "lsq"
  std::string grid;       ///< "4 bit, signed, per_channel"
  std::int64_t bits = 32;
  std::int64_t values = 0;                                 ///< stored, or of one sample
  double sqnr = std::numeric_limits<double>::quiet_NaN();  ///< dB; NaN: nothing changed
  std::int64_t overflows = 0, passed = 0;  ///< of the values that passed on the test set, those that became infinite
  bool folded = false;                     ///< a weight quantized as a batch norm will have scaled it
  double low = 0, high = 0;                ///< of the histograms
  std::vector<double> before, after;       ///< counts in equal bins
  std::vector<double> argument, value, derivative;  ///< the quantizer over all of its steps
  std::vector<double> hard;                         ///< what is shipped, where training has a soft form
  std::optional<std::int64_t> channel;              ///< whose staircase it is, where channels have scales of their own
  std::optional<double> temperature;                ///< T of the soft form that is drawn
};

/// What `verify` found on the test set.
/// How far the cheaper float form strays at a site: in which share of its values, and by how many steps at most.
struct FloatSite {
  std::string site;
  double differ = 0;
  std::int64_t largest = 0;
};

struct Proof {
  bool done = false, equal = false;
  std::int64_t images = 0, values = 0;
  std::string difference;                               ///< where the roads part; empty if they do not
  double float_activations = 0, float_predictions = 0;  ///< shares that differ in the cheaper float form
  std::vector<FloatSite> float_sites;
};

struct EqualizedRanges {
  std::string first, second;     ///< two layers
  double before = 1, after = 1;  ///< largest ratio of the ranges of a channel between them
};
struct AdaptiveRounding {
  std::string layer;
  std::int64_t changed = 0, weights = 0;  ///< of all weights, those not rounded to their nearest
  std::string skipped;                    ///< why it was left as it was; empty if it was not
};
struct CorrectedMeans {
  std::string layer;
  double before = 0, after = 0;  ///< largest difference of a channel's mean from the network in floats
};

/// What calibration did to the weights, and what it left as it was. A list is there where the config asked for it.
struct Repairs {
  std::optional<std::vector<EqualizedRanges>> equalized;
  std::optional<std::vector<AdaptiveRounding>> rounded;
  std::optional<std::vector<CorrectedMeans>> corrected;
  [[nodiscard]] bool any() const noexcept { return equalized || rounded || corrected; }
};

struct Quantization {
  std::vector<QuantizedSite> sites;
  Proof proof;
};

}  // namespace tempera::cli::report
