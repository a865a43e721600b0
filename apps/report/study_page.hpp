// The page of a study: every run a dot, means with intervals, paired differences.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tempera::cli::report {

/// From a study.json that parse_study has checked, with its "statistics", and the provenance of one of its runs (an empty object
/// where none is known).
[[nodiscard]] std::string render_study(const nlohmann::ordered_json& study, const nlohmann::json& provenance);

}  // namespace tempera::cli::report
