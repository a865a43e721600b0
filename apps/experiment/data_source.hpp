// Data as the program gets them: with progress on the terminal, and with Ctrl-C obeyed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tempera/datasets/load.hpp"

namespace tempera::cli {

/// Loads the set of a config, shows downloads, and says loudly when a fallback was taken, or another folder than data.dir.
/// Throws as data::load, and Interrupted.
[[nodiscard]] data::LoadedData load_data(const data::DataConfig& config);
/// The same; what data::load adds to `issues` is not thrown.
[[nodiscard]] data::LoadedData load_data(const data::DataConfig& config, std::vector<core::ConfigIssue>& issues);

/// What is to be said of a set whose `passed_over` is not empty.
[[nodiscard]] std::string passed_over_text(const data::Dataset& set);

/// The process's environment with progress and Ctrl-C wired to downloads.
[[nodiscard]] data::Environment data_environment();

/// Shape of a sample where the config alone tells it, without reading any file.
[[nodiscard]] std::optional<core::Shape> declared_sample(const data::DataConfig& config);

}  // namespace tempera::cli
