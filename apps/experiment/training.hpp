// From a config and data to a trained model.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/nn/trainer.hpp"

namespace tempera::cli {

/// Where a training keeps its checkpoints and whom it tells.
struct TrainingOptions {
  std::filesystem::path checkpoints;            ///< folder; empty: none are written
  bool resume = false;                          ///< take up last.safetensors if it is there
  std::map<std::string, std::string> metadata;  ///< of the checkpoints
  std::function<void(const nn::StepReport&)> on_step;
  std::function<void(const nn::TrainingState&)> on_epoch;
};

/// The config's loss as the trainer and evaluation call it. Refers to `config`'s registry only.
[[nodiscard]] nn::Objective objective_of(const ExperimentConfig& config);

/// Trains `model` as the config says; then it has the weights to be kept (averaged ones, or those of the best epoch after
/// early stopping). Throws as nn::Trainer, and ConfigError for a schedule whose target is no number of the run.
nn::TrainingState train(const ExperimentConfig& config, const data::LoadedData& data, nn::Model& model,
                        const TrainingOptions& options);

}  // namespace tempera::cli
