// The statistics of a study as Markdown.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tempera::cli {

/// The tables alone, from what study_statistics gave.
[[nodiscard]] std::string study_tables(const nlohmann::ordered_json& statistics);

/// The statistics as a Markdown page, with what the runs were made by and of: data, machine, revision, and the command.
[[nodiscard]] std::string study_markdown(const nlohmann::ordered_json& study, const nlohmann::json& provenance,
                                         const std::string& command);

}  // namespace tempera::cli
