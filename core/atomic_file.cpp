#include "tempera/core/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "tempera/core/errors.hpp"

namespace tempera::core {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

// A rename is durable once the folder that holds the name is.
void sync_folder(const std::filesystem::path& target) {
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a folder may be writable and not readable; the file itself is synced
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  // Some network file systems cannot sync a folder and say so with EINVAL; there is nothing more to do there.
  if (result != 0 && error != EINVAL && error != ENOTSUP) {
    throw FileError(target.string(), fmt::format("its folder could not be synced: {}", reason(error)));
  }
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)), temporary_(target_) {
  temporary_ += ".tmp";
  // Between open and lock the previous writer may rename the file away; then the name means another file: try again.
  while (true) {
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("could not be created");
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      ::close(std::exchange(descriptor_, -1));
      throw FileError(target_.string(), "another process is writing this file");
    }
    if (is_temporary()) break;
    ::close(std::exchange(descriptor_, -1));
  }
  if (::ftruncate(descriptor_, 0) != 0) fail("could not be emptied");
}

AtomicFile::~AtomicFile() { discard(); }

bool AtomicFile::is_temporary() const noexcept {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor_, &opened) == 0 && ::stat(temporary_.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (!write_all(descriptor_, bytes)) fail(fmt::format("could not write {} bytes", bytes.size()));
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("could not be synced");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("could not be renamed from its temporary name");
  ::close(std::exchange(descriptor_, -1));
  sync_folder(target_);
}

void AtomicFile::fail(std::string_view what) {
  const int error = errno;
  discard();
  throw FileError(target_.string(), fmt::format("{}: {}", what, reason(error)));
}

void AtomicFile::discard() noexcept {
  if (descriptor_ < 0) return;
  ::unlink(temporary_.c_str());
  ::close(std::exchange(descriptor_, -1));
}

bool write_all(int descriptor, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

void write_file_atomically(const std::filesystem::path& target, std::string_view content) {
  AtomicFile file(target);
  file.write(content);
  file.commit();
}

}  // namespace tempera::core
