// From the "data" section of a config to a data set in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/datasets/config.hpp"
#include "tempera/datasets/dataset.hpp"
#include "tempera/datasets/environment.hpp"
#include "tempera/datasets/known_sets.hpp"
#include "tempera/datasets/normalization.hpp"

namespace tempera::data {

struct LoadedData {
  Dataset set;
  Normalization normalization;  ///< as the config asks, from the training samples
  std::string requested;        ///< the name in the config
  std::string used;             ///< another one only if `fallback`
  bool fallback = false;        ///< to be said loudly, in summary.json and on the report's first line
  std::string fallback_reason;  ///< why the requested set could not be had
};

/// Finds (or downloads, or makes) the set, checks every file, sets validation aside, applies the limits.
/// Throws DataError for data that are missing, damaged or not what they claim to be; a fallback is taken only for a set
/// that is not found, never for one that is damaged. Throws ConfigError for a validation part that does not fit.
[[nodiscard]] LoadedData load(const DataConfig& config, const Environment& environment = Environment::of_process());
/// The same, but for a validation part that does not fit: that is added to `issues`, to be told with what else is wrong, and
/// nothing is set aside.
[[nodiscard]] LoadedData load(const DataConfig& config, const Environment& environment,
                              std::vector<core::ConfigIssue>& issues);

/// One of the two sets of known content, complete, with all SHA-256 checked: for `tempera data get|check`.
[[nodiscard]] Dataset load_known(const KnownSet& set, const std::optional<std::string>& dir,
                                 const Environment& environment);

}  // namespace tempera::data
