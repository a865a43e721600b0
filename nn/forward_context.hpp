// What a forward pass knows besides its input.
#pragma once

#include <cstdint>
#include <string_view>

#include "tempera/core/random.hpp"

namespace tempera::nn {

/// What a forward pass needs to know besides its input.
struct ForwardContext {
  bool training = false;   ///< dropout drops, batch norm uses and updates batch statistics
  std::uint64_t seed = 0;  ///< of the run
  std::int64_t step = 0;   ///< optimizer step; with the layer's path it addresses random masks
  std::int64_t epoch = 0;  ///< being trained, from 0
  bool fuse = true;        ///< false: every layer runs by itself, which gives the same bits, only slower
  bool batch_statistics =
      true;               ///< false: batch norm is frozen: it uses and keeps its running statistics in training, too
  bool soft = false;      ///< in evaluation, too, quantizers with a soft form give it instead of the hard one
  bool transform = true;  ///< false: sites let every value pass as it is, so that a quantized model runs in floats

  /// The random numbers of one layer in this step.
  [[nodiscard]] core::Random random(std::string_view layer_path) const noexcept {
    return core::Random(seed, layer_path).substream(static_cast<std::uint64_t>(step));
  }
};

}  // namespace tempera::nn
