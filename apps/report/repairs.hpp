// What calibration did to the weights: as it stands in summary.json under "calibration", and in words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/quantized_site.hpp"

namespace tempera::cli::report {

[[nodiscard]] nlohmann::ordered_json repairs_json(const Repairs& repairs);
/// Throws DataError as JsonNode.
[[nodiscard]] Repairs repairs_from(const JsonNode& node);

/// What was asked for and not done, with the reason: "bias correction: changed nothing: no layer has a bias".
[[nodiscard]] std::vector<std::string> idle_lines(const Repairs& repairs);

/// A line for each pair and each layer: "adaptive rounding: fc1: 120 of 12 544 weights are not rounded to their nearest"; then those
/// of idle_lines.
[[nodiscard]] std::vector<std::string> repairs_lines(const Repairs& repairs);

}  // namespace tempera::cli::report
