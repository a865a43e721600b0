// The temperature study: what the softmax of one sample, and of the whole test set, does as T rises.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tempera/apps/experiment/evaluation.hpp"
#include "tempera/core/fields.hpp"

namespace tempera::cli {

/// The "temperature" section of a config.
struct TemperatureConfig {
  std::optional<std::int64_t> label;  ///< class of the sample that is looked at; nullopt: 7, or the last of fewer
  std::optional<std::int64_t> index;  ///< that very test sample instead
  std::vector<double> temperatures;   ///< rising; 1 … 50 by default
  std::vector<double> dark_knowledge{1, 4, 20};

  TemperatureConfig();
  void fields(core::FieldVisitor& v);
};

/// Throws ConfigError if `test` has no such sample: an index outside of it, or a class of which it has none.
void check_temperature(const TemperatureConfig& config, const data::Split& test);

/// Takes the sample of `config` (or the first test sample of that class which the model gets right, or the first of the
/// class if it gets none right) and measures both splits; T* comes from `validation`, or from the test set where there is
/// no validation set. Throws ConfigError as check_temperature.
[[nodiscard]] report::TemperatureStudy temperature_study(const TemperatureConfig& config, const nn::Outputs& test,
                                                         const data::Split& test_split, const nn::Outputs& validation);

}  // namespace tempera::cli
