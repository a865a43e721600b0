// Schedules against what they move: before training, not in the epoch in which a number leaves its range.
#pragma once

#include <vector>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::cli {

/// Appends an issue for each schedule whose target is no number of the run, is moved by another schedule, too, or would
/// leave the range of its field. `plan` is the model with its quantizers.
void check_schedules(const ExperimentConfig& config, nn::Model& plan, std::vector<core::ConfigIssue>& issues);

}  // namespace tempera::cli
