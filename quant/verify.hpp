// The proof that the network that was trained is the network that is shipped.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant {

/// Where two roads part first.
struct Difference {
  std::string site;        ///< or layer
  std::int64_t image = 0;  ///< in the set
  std::int64_t index = 0;  ///< within the sample's value
  std::int64_t first = 0, second = 0;
  std::string between;  ///< "fake quantization and reference", "reference and engine"
};

struct Verification {
  std::int64_t images = 0;
  std::int64_t values = 0;  ///< integers compared, over all sites
  std::vector<std::string> sites;
  std::optional<Difference> difference;  ///< none: equal in every bit
  /// Shares in which the cheaper float form of fake quantization, which training uses, differs from the exact one.
  double float_activations_differ = 0, float_predictions_differ = 0;
};

/// Runs every image three ways (exact fake quantization of the model, reference, engine) and compares every site. Throws
/// Interrupted, UnsupportedError.
[[nodiscard]] Verification verify(nn::Model& model, const LowerConfig& config, const Program& program,
                                  core::BatchSource& images, std::int64_t limit,
                                  const std::atomic<bool>* interrupt = nullptr);

}  // namespace tempera::quant
