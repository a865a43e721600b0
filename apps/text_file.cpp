#include "tempera/apps/text_file.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "tempera/core/errors.hpp"

namespace tempera::cli {

std::optional<std::string> read_text_if_there(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw core::FileError(path.string(), fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  }
  std::string text;
  std::array<char, std::size_t{1} << 16U> chunk{};
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) {  // a folder shows here
    throw core::FileError(path.string(), fmt::format("cannot be read: {}", std::generic_category().message(errno)));
  }
  return text;
}

std::string read_text(const std::filesystem::path& path) {
  std::optional<std::string> text = read_text_if_there(path);
  if (!text) throw core::FileError(path.string(), "cannot be read: there is no such file");
  return *std::move(text);
}

}  // namespace tempera::cli
