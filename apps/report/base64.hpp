// Base64 (RFC 4648 §4), for pictures and hashes inside a page.
#pragma once

#include <string>
#include <string_view>

namespace tempera::cli::report {

[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace tempera::cli::report
