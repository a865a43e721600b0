// A folder that one process at a time may write into.
#pragma once

#include <filesystem>

namespace tempera::cli {

/// Makes the folder if it is not there and holds it for the life of the object; a process that dies lets go of it.
class FolderLock {
 public:
  /// Throws FileError if the folder cannot be made or another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int descriptor_ = -1;
};

}  // namespace tempera::cli
