// How many bytes a network takes: its parameters alone, each in its bits, and the file in which it is shipped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/core/shape.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::cli {

inline constexpr int kFloatBits = 32;  ///< of a value that no rule takes

/// Bits that each weight is stored in, by site; what no rule takes, and every bias, keeps 32.
using WeightBits = std::map<std::string, int>;
[[nodiscard]] WeightBits weight_bits(const std::vector<quant::SitePlan>& sites);

[[nodiscard]] int bits_of(const nn::Parameter& parameter, const WeightBits& bits);
/// Of the weight, which is most of a layer; 32 where there is none.
[[nodiscard]] int bits_of(const nn::LayerInfo& layer, const WeightBits& bits);

/// Packed, without scales or anything else that a file has beside them.
[[nodiscard]] std::int64_t bytes_of(std::int64_t values, int bits);
[[nodiscard]] std::int64_t bytes_of(const nn::LayerInfo& layer, const WeightBits& bits);
[[nodiscard]] std::int64_t bytes_of(const nn::Model& model, const WeightBits& bits);
/// The same of a config: what summary.json calls model.bytes.parameters where there is no program. Throws as quant::plan.
[[nodiscard]] std::int64_t parameter_bytes(const ExperimentConfig& config, const core::Shape& sample);
/// What a program holds of weights, in their bits, and of biases, in 32: a batch norm is folded into both, and every output has a
/// bias. What summary.json calls model.bytes.parameters where there is one.
[[nodiscard]] std::int64_t parameter_bytes(const quant::Program& program);
/// Of one of its instructions; 0 where it has no weight.
[[nodiscard]] std::int64_t parameter_bytes(const quant::program::Operation& operation);

/// Lines that say both sizes of what is shipped, and what is counted in each; nothing where neither program nor packed weights
/// are.
[[nodiscard]] std::string sizes_text(const report::ModelFacts& model);

}  // namespace tempera::cli
