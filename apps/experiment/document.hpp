// A config file with what it extends and what the command line sets: one document in which every value knows its place.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tempera/core/config/value.hpp"

namespace tempera::cli {

/// What a file says after merging.
struct ConfigDocument {
  std::string text;         ///< of the file itself, as it was written
  core::ConfigValue value;  ///< an object, without "extends" and "$schema"
};

/// Reads `file`, merges it over the files it `extends` (a path or a list of paths, relative to the file that names
/// them; later ones win), then applies `sets` ("PATH=VALUE", see overrides.hpp). Appends to `issues`: files that are
/// missing, unreadable, not a JSON object or that extend themselves, keys that stand twice, malformed sets. Gives
/// nothing only where one of the files has no document, so that its fields can be checked together with the rest.
[[nodiscard]] std::optional<ConfigDocument> load_document(const std::filesystem::path& file,
                                                          std::span<const std::string> sets,
                                                          std::vector<core::ConfigIssue>& issues);

/// Puts `over` on top of `base`: objects merge member by member, everything else replaces. An object whose "type"
/// differs from the one below replaces it, too, as the fields of one optimizer mean nothing to another.
void merge_config(core::ConfigValue& base, core::ConfigValue over);

}  // namespace tempera::cli
