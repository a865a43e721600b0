#include "tempera/apps/experiment/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "tempera/core/errors.hpp"

namespace tempera::cli {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw core::FileError(folder.string(), "the run folder cannot be made: " + error.message());
  descriptor_ = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) throw core::FileError(folder.string(), std::string("cannot be opened: ") + std::strerror(errno));
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(descriptor_);
  if (reason != EWOULDBLOCK) {
    throw core::FileError(folder.string(), std::string("cannot be locked: ") + std::strerror(reason));
  }
  throw core::FileError(folder.string(),
                        "another process is running in this folder; wait for it or choose another with --out");
}

FolderLock::~FolderLock() { close(descriptor_); }

}  // namespace tempera::cli
