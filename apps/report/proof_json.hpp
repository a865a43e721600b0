// The proof of `verify` as it stands in quantization.json and summary.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/quantized_site.hpp"

namespace tempera::cli::report {

[[nodiscard]] nlohmann::ordered_json proof_json(const Proof& proof);
/// Throws DataError as JsonNode.
[[nodiscard]] Proof proof_from(const JsonNode& node);

}  // namespace tempera::cli::report
