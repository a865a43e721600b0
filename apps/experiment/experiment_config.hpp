// A whole experiment as one struct: what a config file says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tempera/apps/experiment/study.hpp"
#include "tempera/apps/experiment/temperature_study.hpp"
#include "tempera/apps/registry.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/datasets/config.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/nn/trainer.hpp"
#include "tempera/quant/config.hpp"

namespace tempera::cli {

/// When training ends before its last epoch.
struct EarlyStoppingConfig {
  std::int64_t patience = 5;           ///< epochs without improvement
  double min_delta = 0;                ///< what counts as improvement
  nn::Watch watch = nn::Watch::kLoss;  ///< of the validation set
  void fields(core::FieldVisitor& v);
};

/// The "train" section.
struct TrainSection {
  std::int64_t epochs = 10;
  std::int64_t batch = 64;
  core::Precision precision = core::Precision::kFloat32;
  bool drop_last = false;
  std::optional<std::string> initial;    ///< a model to start from
  std::optional<double> weight_average;  ///< decay of an exponential moving average of the weights
  std::optional<EarlyStoppingConfig> early_stopping;
  std::int64_t checkpoint_seconds = 30;
  void fields(core::FieldVisitor& v);
};

/// What is computed after training besides the evaluation.
enum class Analysis { kTemperature };

struct ExperimentConfig {
  std::string name = "experiment";
  std::int64_t seed = 1;
  data::DataConfig data;
  nn::ModelConfig model;
  core::Clonable<> loss;
  core::Clonable<> optimizer;
  core::Clonable<> schedule;
  std::vector<core::Clonable<>> schedules;
  TrainSection train;
  std::optional<quant::QuantizationConfig> quantization;
  std::optional<quant::LowerConfig> lower;
  std::vector<std::string> analyses;
  TemperatureConfig temperature;
  StudyConfig study;

  /// Defaults whose types come from `registry`, which must outlive the config.
  explicit ExperimentConfig(const Registry& registry);
  [[nodiscard]] const Registry& registry() const noexcept { return *registry_; }
  [[nodiscard]] bool wants(Analysis analysis) const;
  /// Whether the file varies anything.
  [[nodiscard]] bool is_study() const { return study.vary != "{}"; }
  void fields(core::FieldVisitor& v);

 private:
  void quantization_fields(core::FieldVisitor& v);

  const Registry* registry_;
};

}  // namespace tempera::cli
