// What training a model will cost on this machine, measured on a few steps.
#pragma once

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/core/shape.hpp"

namespace tempera::cli {

struct TrainingCost {
  double flop = 0;          ///< floating-point operations of the whole training: 2·3·multiply-adds a sample
  double step_seconds = 0;  ///< median of the measured steps
  double seconds = 0;       ///< estimate of the whole training
  double samples_per_second = 0;
};

/// Runs optimizer steps on random samples for about a second and extrapolates to the config's epochs over `samples`.
[[nodiscard]] TrainingCost measure_training(const ExperimentConfig& config, const core::Shape& sample,
                                            std::int64_t samples);

}  // namespace tempera::cli
