// Where a result came from: enough to make it again, and to explain why another machine's differs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tempera/apps/experiment/experiment_config.hpp"

namespace tempera::cli {

/// provenance.json: the run's identity, program, compiler, processor, instruction level, threads, data; the model that it began with
/// and its checksum, where there is one; and how bf16 was multiplied, where the run's precision is that.
[[nodiscard]] nlohmann::ordered_json provenance(const std::string& identity, const std::string& data_sha256,
                                                const std::string& data_origin, const TrainSection& train);

}  // namespace tempera::cli
