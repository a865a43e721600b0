// What the layers of a config's network multiply, known before it is trained.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/core/shape.hpp"

namespace tempera::cli {

/// Layers with weights in the order of the network, by what they multiply when the network is run as it ships.
struct Arithmetic {
  std::vector<std::string> integers;
  std::vector<std::string> floats;
};

/// Of a network that runs on integers; nothing of others. The network is lowered, or its dynamic products are made ready, with
/// zeros for weights and image. Throws UnsupportedError as quant::lower and quant::DynamicForward: for a layer without an
/// integer form, or a value that no rule takes.
[[nodiscard]] std::optional<Arithmetic> planned_arithmetic(const ExperimentConfig& config, const core::Shape& sample);

/// "integers are multiplied in fc1, fc2; floats in conv1"
[[nodiscard]] std::string arithmetic_text(const Arithmetic& arithmetic);

}  // namespace tempera::cli
