// A file that the user names for something to be written to: --out, --markdown, --dump-logits.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

namespace tempera::cli {

/// A regular file is replaced as a whole or not at all, the one that a symbolic link leads to and not the link; devices, pipes
/// and what is the program's own stdout or stderr are written through.
class OutputFile {
 public:
  /// `inputs` are what the command reads, files or folders of runs. Throws ConfigError if the target is one of them or a run's
  /// own file in one, or "-", which could mean two things; FileError if it is a folder.
  OutputFile(std::filesystem::path target, std::span<const std::filesystem::path> inputs);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return target_; }
  /// Throws FileError.
  void write(std::string_view content) const;

 private:
  std::filesystem::path target_;
};

}  // namespace tempera::cli
