// The affine map from stored pixels to what a network sees.
#pragma once

#include <vector>

#include "tempera/core/fields.hpp"
#include "tempera/datasets/dataset.hpp"

namespace tempera::data {

/// none: byte/255, floats as they are. mean_std: each channel gets mean 0 and standard deviation 1 over the training
/// samples. minus_one_one: full scale [0, 1] becomes [−1, 1].
enum class Normalize { kNone, kMeanStd, kMinusOneOne };

/// input = stored·scale[channel] + shift[channel], where stored is a byte 0 … 255 or a float. A model keeps it, so that it
/// can be given raw pixels.
struct Normalization {
  std::vector<double> scale;  ///< [channels]
  std::vector<double> shift;  ///< [channels]

  void fields(core::FieldVisitor& v) {
    v.field("scale", scale, {.help = "by channel: input = stored pixel · scale + shift; stored bytes are 0 to 255"});
    v.field("shift", shift, {.help = "by channel"});
  }
};

/// Mean and (population) standard deviation of one channel in stored units.
struct ChannelStatistics {
  double mean = 0;
  double deviation = 0;
};

/// Over all samples of the split. For bytes the sums are integers and exact, so both numbers are correct to the last
/// rounding; for floats they are sums of doubles in the order of the split.
[[nodiscard]] std::vector<ChannelStatistics> channel_statistics(const Split& split);

/// The map that `mode` asks for; `train` is what mean and deviation are taken from. A channel that is
/// constant, or so nearly that its deviation is no normal float32 and 1/deviation may be none at all, is only centred.
[[nodiscard]] Normalization normalization(Normalize mode, const Split& train);

}  // namespace tempera::data
