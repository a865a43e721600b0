// Whole text files, as run folders hold them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tempera::cli {

/// The whole file. Throws FileError naming it if it is missing, a folder, or cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);
/// The same, or nothing if there is no file of that name.
[[nodiscard]] std::optional<std::string> read_text_if_there(const std::filesystem::path& path);

}  // namespace tempera::cli
