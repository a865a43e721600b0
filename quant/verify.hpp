// The proof that the network that was trained is the network that is shipped.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
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
  /// Set where the integers are equal, but not the numbers that they stand for at the output.
  std::optional<std::pair<double, double>> reals;
};

/// How far training's float form strays from the exact one at a site.
struct FloatForm {
  std::string site;
  std::int64_t values = 0, differ = 0;
  std::int64_t largest = 0;  ///< difference, in steps of the site's grid
  [[nodiscard]] double share() const noexcept {
    return values == 0 ? 0 : static_cast<double>(differ) / static_cast<double>(values);
  }
};

struct Verification {
  std::int64_t images = 0;
  std::int64_t values = 0;  ///< integers compared, over all sites
  std::vector<std::string> sites;
  std::optional<Difference> difference;  ///< none: equal in every bit
  /// Shares in which the cheaper float form of fake quantization, which training uses, differs from the exact one.
  double float_activations_differ = 0, float_predictions_differ = 0;
  std::vector<FloatForm> float_sites;  ///< in the order in which values pass them
};

/// Runs every image three ways (exact fake quantization of the model, reference, engine) and compares every site, and at the
/// output the real numbers, too. Throws Interrupted, UnsupportedError, Error for a program whose shapes are not the model's.
[[nodiscard]] Verification verify(nn::Model& model, const LowerConfig& config, const Program& program,
                                  core::BatchSource& images, std::int64_t limit,
                                  const std::atomic<bool>* interrupt = nullptr);

/// The two roads of a program whose model is not at hand: reference and engine, at every instruction. Throws Interrupted.
[[nodiscard]] Verification verify(const Program& program, core::BatchSource& images, std::int64_t limit,
                                  const std::atomic<bool>* interrupt = nullptr);

/// In how many samples the largest outputs stand in different places. Both are [batch, …] of the same shape.
[[nodiscard]] std::int64_t differing_predictions(const core::Tensor& a, const core::Tensor& b);

}  // namespace tempera::quant
