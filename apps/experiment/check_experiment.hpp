// What can be wrong with an experiment beyond each field for itself, found before anything is trained or written.
#pragma once

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/datasets/load.hpp"

namespace tempera::cli {

/// Throws ConfigError with every issue found: layers that do not fit together or into memory, outputs that are not the
/// classes, schedules of no number, a temperature study of no sample, epochs without a batch.
void check_experiment(const ExperimentConfig& config, const data::LoadedData& data);

/// The same for every run of a file, so that a varied value that does not fit shows before the first hour is spent.
void check_all(const LoadedFile<ExperimentConfig>& file);

}  // namespace tempera::cli
