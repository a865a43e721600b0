// Content addresses: the same experiment has the same name wherever it runs.
#pragma once

#include <string>
#include <string_view>

#include "tempera/core/config/value.hpp"

namespace tempera::cli {

/// SHA-256, as 64 hexadecimal digits, of a resolved config, the SHA-256 of its data and the version of the run folder's
/// format. Neither the order of keys nor white space counts. Its first eight digits end the name of the run folder.
[[nodiscard]] std::string content_hash(const core::ConfigValue& resolved, std::string_view data_sha256, int format);

}  // namespace tempera::cli
