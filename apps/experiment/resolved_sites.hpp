// What the rules of a config come to, written into the resolved config for whoever reads it.
#pragma once

#include <map>
#include <string>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/core/config/value.hpp"
#include "tempera/core/shape.hpp"

namespace tempera::cli {

/// `resolved` with "quantization.sites": each site with its rule (position in the list, "default" for the model's input that no
/// rule takes, null), its quantizer, bits, and how. Unchanged without a section "quantization". Throws as quant::plan.
[[nodiscard]] core::ConfigValue with_sites(core::ConfigValue resolved, const ExperimentConfig& config,
                                           const core::Shape& sample);

/// The mean bits of "weights", those that are not quantized with 32, and of the "activations" that pass a quantizer (32 if
/// none do), each weighted by its values. Throws as quant::plan.
[[nodiscard]] std::map<std::string, double> mean_bits(const ExperimentConfig& config, const core::Shape& sample);

}  // namespace tempera::cli
