// The numbers of a run that a schedule may move, under the paths a config has for them.
#pragma once

#include <string>

#include "tempera/core/config/find_number.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/nn/optimizer.hpp"

namespace tempera::cli {

/// "optimizer.…", "model.layers.<name>.…" and "quantization.sites.<site>.…", as in quantization.sites.act1.output.temperature. The parts must outlive what is returned.
[[nodiscard]] core::FieldsFn numbers_of_run(nn::Model& model, nn::Optimizer& optimizer);

/// The number at `target`. Throws ConfigError at `pointer`, the schedule that aims at it, naming the nearest one.
[[nodiscard]] double& live_number(const core::FieldsFn& numbers, const std::string& target, const std::string& pointer);
/// The same with what that number may be.
[[nodiscard]] core::NumberField live_field(const core::FieldsFn& numbers, const std::string& target,
                                           const std::string& pointer);

}  // namespace tempera::cli
