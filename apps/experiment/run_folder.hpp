// The folder a run owns: who may write into it, and how its files come to be.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "tempera/apps/experiment/folder_lock.hpp"

namespace tempera::cli {

/// What stands in a run's folder before the run.
enum class FolderState {
  kFresh,     ///< absent or empty
  kStarted,   ///< this run began here and did not finish
  kFinished,  ///< this run finished here
};

/// Exclusive ownership of a run's folder for the life of the object.
class RunFolder {
 public:
  /// Makes the folder if needed and locks it against other processes. `identity` is the hash of what is run. Throws
  /// FileError if another process is running in it, if it holds another run or foreign files, or cannot be written.
  RunFolder(std::filesystem::path path, const std::string& identity);

  [[nodiscard]] FolderState state() const noexcept { return state_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path file(std::string_view name) const { return path_ / name; }
  /// Writes one of the run's files as a whole or not at all. Throws FileError.
  void write(std::string_view name, std::string_view content) const;

 private:
  [[nodiscard]] FolderState inspect(const std::string& identity) const;
  void prepare() const;

  std::filesystem::path path_;
  FolderLock lock_;
  FolderState state_ = FolderState::kFresh;
};

}  // namespace tempera::cli
