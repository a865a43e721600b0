// The model of a config with its quantizers in place, from its first weights to its ranges.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/report/quantized_site.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/overflows.hpp"

namespace tempera::cli {

/// Built from the config's seed, with a quantizer in every site that a rule takes. Throws as nn::Model and quant::attach.
[[nodiscard]] nn::Model model_of(const ExperimentConfig& config, const core::Shape& sample);

/// Refuses a model that would be trained in floats unawares: with `freeze_observers` of 0 nothing is ever observed, so that
/// ranges have to be there before the first step. Throws ConfigError naming the first site without one.
void require_ranges(const ExperimentConfig& config, nn::Model& model);

/// Calibration does more than to choose ranges: the network in floats is another one afterwards.
[[nodiscard]] bool changes_weights(const ExperimentConfig& config);

/// What calibration did to the weights, and those that adaptive rounding changed, by site, as they were in floats.
struct Calibrated {
  report::Repairs repairs;
  std::map<std::string, core::Tensor> floats;
};

/// To be called on a model that was trained for so many epochs: calibrates it where quantization comes after training, else
/// chooses the ranges of weights by what they have become, unless they were frozen. Does nothing without a quantization
/// section. Throws Interrupted, NumericError.
Calibrated choose_ranges(const ExperimentConfig& config, const data::LoadedData& data, nn::Model& model,
                         std::int64_t epochs);

/// "act1.output: 12 of 640 000 values are beyond its format and became infinite"
[[nodiscard]] std::string overflow_text(const quant::SiteOverflows& lost);

/// What quantization does to the values of each site of a model_of `config`, which has a section "quantization", on images of
/// the test set; `floats` as Calibrated has them; trained for so many epochs.
[[nodiscard]] report::Quantization quantization_of(const ExperimentConfig& config, const data::LoadedData& data,
                                                   nn::Model& model, const std::map<std::string, core::Tensor>& floats,
                                                   std::int64_t epochs);

}  // namespace tempera::cli
