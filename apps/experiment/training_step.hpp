// One bare optimizer step, as benchmarks and estimates repeat it.
#pragma once

#include <memory>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/core/batch.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/nn/optimizer.hpp"

namespace tempera::cli {

/// A model with its loss and optimizer, made from a config.
class TrainingStep {
 public:
  TrainingStep(const ExperimentConfig& config, const core::Shape& sample);
  /// Forward, backward, update.
  void operator()(const core::Batch& batch);
  [[nodiscard]] nn::Model& model() noexcept { return model_; }

 private:
  nn::Model model_;
  nn::Objective objective_;
  std::unique_ptr<nn::Optimizer> optimizer_;
  core::Precision precision_;
  nn::ForwardContext context_;
};

}  // namespace tempera::cli
