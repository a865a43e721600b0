// study.json read back, and held to be one.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tempera::cli {

/// The study of that text, in the order of its keys, with the "statistics" of its runs made anew. Throws core::DataError naming
/// `file`, the JSON pointer, what was expected and what came, for anything that the page, the tables or `compare` read.
[[nodiscard]] nlohmann::ordered_json parse_study(std::string_view text, const std::string& file);

/// The same of study.json in that folder. Throws FileError, too.
[[nodiscard]] nlohmann::ordered_json read_study(const std::filesystem::path& folder);

/// What made the study in that folder: provenance.json of its first completed run that has one, as one that failed early has none;
/// an empty object where there is no such run. Throws core::DataError for a damaged one.
[[nodiscard]] nlohmann::json made_by(const std::filesystem::path& folder, const nlohmann::ordered_json& study);

}  // namespace tempera::cli
