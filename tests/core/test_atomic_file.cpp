#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/temporary_folder.hpp"
#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"

using tempera::core::AtomicFile;
using tempera::core::FileError;
using tempera::core::write_file_atomically;

namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::ptrdiff_t entries(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

// Files may not grow beyond this while it lives; exceeding it is an error like a full disk instead of a signal.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : previous_signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_signal_);
  }

 private:
  rlimit previous_{};
  void (*previous_signal_)(int);
};

void check_failed_write_keeps_the_old_file(const std::filesystem::path& folder, std::size_t too_much) {
  const auto target = folder / "state";
  CHECK_THROWS_AS(write_file_atomically(target, std::string(too_much, 'x')), FileError);
  CHECK(content(target) == "old");
  CHECK(entries(folder) == 1);
}

}  // namespace

TEST_CASE("a written file replaces the old one and leaves nothing else in the folder") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "state", "old");
  write_file_atomically(folder / "state", "new content");
  CHECK(content(folder / "state") == "new content");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("until it is committed a file is what it was, and without commit it stays so") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "state", "old");
  {
    AtomicFile file(folder / "state");
    file.write("half");
    CHECK(content(folder / "state") == "old");
  }
  CHECK(content(folder / "state") == "old");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a write beyond the file-size limit is an error that keeps the old file and leaves nothing half-written") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "state", "old");
  const FileSizeLimit limit(1000);
  check_failed_write_keeps_the_old_file(folder.path(), 100'000);
}

TEST_CASE("a full disk is an error that keeps the old file and leaves nothing half-written") {
  const TemporaryFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("skipped: mounting a small tmpfs is not permitted here");
    return;
  }
  write_file_atomically(folder / "state", "old");
  check_failed_write_keeps_the_old_file(folder.path(), 1'000'000);
  ::umount(folder.path().c_str());
}

TEST_CASE("a folder that is missing or may not be written to is an error that names the file") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(AtomicFile(folder / "none/state"), FileError);
  if (::geteuid() == 0) {
    MESSAGE("skipped: root may write everywhere");
    return;
  }
  ::chmod(folder.path().c_str(), 0500);
  CHECK_THROWS_AS(AtomicFile(folder / "state"), FileError);
  ::chmod(folder.path().c_str(), 0700);
}

TEST_CASE("what a killed writer left behind is taken over, and a second living writer is refused") {
  const TemporaryFolder folder;
  std::ofstream(folder / "state.tmp") << "a long rest of a process that was killed";
  write_file_atomically(folder / "state", "new");
  CHECK(content(folder / "state") == "new");
  CHECK(entries(folder.path()) == 1);

  AtomicFile first(folder / "state");
  first.write("first");
  CHECK_THROWS_AS(AtomicFile(folder / "state"), FileError);
  first.commit();
  CHECK(content(folder / "state") == "first");
}
