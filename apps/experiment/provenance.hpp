// Where a result came from: enough to make it again, and to explain why another machine's differs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tempera/core/precision.hpp"

namespace tempera::cli {

/// provenance.json: the run's identity, program, compiler, processor, instruction level, threads, data; and how bf16 was
/// multiplied, where the run's precision is that.
[[nodiscard]] nlohmann::ordered_json provenance(const std::string& identity, const std::string& data_sha256,
                                                const std::string& data_origin, core::Precision precision);

}  // namespace tempera::cli
