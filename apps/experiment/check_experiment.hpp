// What can be wrong with an experiment beyond each field for itself, found before anything is trained or written.
#pragma once

#include <optional>
#include <vector>

#include "tempera/apps/experiment/arithmetic.hpp"
#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/datasets/load.hpp"

namespace tempera::cli {

/// The data of a config; what does not fit into the set is added to `misfits`, for check_experiment. Throws as load_data,
/// ConfigErrors with the file and line of what they name.
[[nodiscard]] data::LoadedData load_located(const LoadedConfig<ExperimentConfig>& loaded,
                                            std::vector<core::ConfigIssue>& misfits);

/// Throws ConfigError with every issue found, each with its place in the file: layers that do not fit together or into memory, outputs that are not the
/// classes, schedules of no number, a temperature study of no sample, epochs without a batch, layers that are to be lowered to integers and cannot. `issues` are those that loading the data
/// found already. Gives planned_arithmetic.
std::optional<Arithmetic> check_experiment(const LoadedConfig<ExperimentConfig>& loaded, const data::LoadedData& data,
                                           std::vector<core::ConfigIssue> issues = {});

/// Throws ConfigError, each issue with its place in the file, for layers that no model can be planned of, such as two of one
/// name; and as nn::Model::planned otherwise.
void check_layers(const LoadedConfig<ExperimentConfig>& loaded, const core::Shape& sample);

/// Gives every issue without a file the place that its pointer, or the nearest one above it, has in `document`.
void locate_issues(const core::ConfigValue& document, std::vector<core::ConfigIssue>& issues);

/// check_experiment for every run of a file, so that a varied value that does not fit shows before the first hour is spent. Gives the shape of
/// a sample of the first run's data.
core::Shape check_all(const LoadedFile<ExperimentConfig>& file);

}  // namespace tempera::cli
