// Commands that a person may copy into a shell.
#pragma once

#include <string>
#include <string_view>

namespace tempera::cli {

/// `text` as a shell reads it back: as it is if nothing in it means anything there, else between single quotes.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace tempera::cli
