// Where a result came from: enough to make it again, and to explain why another machine's differs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tempera::cli {

/// provenance.json: the run's identity, program, compiler, processor, instruction level, threads, data.
[[nodiscard]] nlohmann::ordered_json provenance(const std::string& identity, const std::string& data_sha256,
                                                const std::string& data_origin);

}  // namespace tempera::cli
