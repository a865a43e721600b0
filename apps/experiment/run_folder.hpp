// The folder a run owns: who may write into it, and how its files come to be.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "tempera/apps/experiment/folder_lock.hpp"

namespace tempera::cli {

// Networks that a run leaves in its folder, and that other verbs read.
inline constexpr const char* kModelFile = "model.safetensors";      ///< floats
inline constexpr const char* kProgramFile = "program.safetensors";  ///< integers, where it was lowered
inline constexpr const char* kPackedFile = "packed.safetensors";    ///< packed weights, where it was not

/// What stands in a run's folder before the run.
enum class FolderState {
  kFresh,     ///< absent or empty
  kStarted,   ///< this run began here and did not finish
  kFinished,  ///< this run finished here
};

/// Whether a file like summary.json says that its work is completed.
[[nodiscard]] bool is_completed(const std::filesystem::path& summary);

/// Exclusive ownership of a run's folder for the life of the object.
class RunFolder {
 public:
  /// Makes the folder if needed and locks it against other processes. `identity` is the hash of what is run. Throws
  /// FileError if another process is running in it, if it holds another run or foreign files, or cannot be written.
  /// `result` is the file whose "status" tells that the work is completed.
  RunFolder(std::filesystem::path path, const std::string& identity, std::string result = "summary.json");

  [[nodiscard]] FolderState state() const noexcept { return state_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path file(std::string_view name) const { return path_ / name; }
  /// Throws FileError if work began here and did not finish, unless it is to be resumed.
  void check_start(bool resume) const;
  /// Throws FileError if the folder has not a file that finished work leaves there.
  void require(std::string_view name) const;
  /// What to say where it is finished: that nothing is computed.
  [[nodiscard]] std::string finished_text() const;
  /// Makes a folder in it, and removes what a killed process was writing there. Throws FileError.
  void make_folder(std::string_view name) const;
  /// Writes one of the run's files as a whole or not at all. Throws FileError.
  void write(std::string_view name, std::string_view content) const;

 private:
  [[nodiscard]] FolderState inspect(const std::string& identity) const;

  std::filesystem::path path_;
  std::string result_;
  FolderLock lock_;
  FolderState state_ = FolderState::kFresh;
};

}  // namespace tempera::cli
