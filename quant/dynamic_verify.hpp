// The proof that the integer products of a dynamically quantized network are what their definition says, on real images.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::quant {

/// Where a product and its definition part first.
struct DynamicDifference {
  std::string layer;
  std::int64_t image = 0;  ///< in the set
  std::int64_t index = 0;  ///< within the layer's output
  double definition = 0, product = 0;
};

struct DynamicVerification {
  std::int64_t images = 0;
  std::int64_t values = 0;                      ///< compared, over all layers that multiply integers
  std::optional<DynamicDifference> difference;  ///< none: equal in every bit
  double float_predictions_differ = 0;  ///< share in which float products of the dequantized values decide otherwise
};

/// Runs every image through DynamicForward, and each of its products once more in plain loops. Throws as DynamicForward does,
/// and Interrupted.
[[nodiscard]] DynamicVerification verify_dynamic(nn::Model& model, core::BatchSource& images, std::int64_t limit,
                                                 const std::atomic<bool>* interrupt = nullptr);

}  // namespace tempera::quant
