// Content addresses: the same experiment has the same name wherever it runs.
#pragma once

#include <string>
#include <string_view>

#include "tempera/core/config/value.hpp"

namespace tempera::cli {

/// SHA-256, as 64 hexadecimal digits, of a resolved config, the SHA-256 of its data and the version of the run folder's
/// format. Neither the order of keys nor white space counts.
[[nodiscard]] std::string content_hash(const core::ConfigValue& resolved, std::string_view data_sha256, int format);

/// The digits of a hash that people are shown.
[[nodiscard]] std::string short_hash(std::string_view hash);

/// How a folder is called where nobody chose a name: <name>-<short hash>.
[[nodiscard]] std::string hashed_name(std::string_view name, std::string_view hash);

}  // namespace tempera::cli
