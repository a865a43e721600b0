#include "tempera/apps/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

// What a run folder is read by; pages, figures and tables lie there, too, and may be made anew.
bool is_run_file(const fs::path& file) {
  constexpr std::array<std::string_view, 4> kRead{".json", ".jsonl", ".csv", ".safetensors"};
  return std::ranges::find(kRead, file.extension().string()) != kRead.end();
}

bool is_input(const fs::path& target, const fs::path& input) {
  std::error_code none;
  if (!fs::exists(target, none)) return false;
  if (fs::equivalent(target, input, none)) return true;
  const fs::path file = fs::canonical(target, none), folder = fs::canonical(input, none);
  return fs::is_directory(folder, none) && is_run_file(file) && std::ranges::mismatch(folder, file).in1 == folder.end();
}

// The file that a link will make which leads nowhere yet.
fs::path end_of_links(fs::path file) {
  constexpr int kMostLinks = 40;
  std::error_code none;
  for (int i = 0; i < kMostLinks && fs::is_symlink(file, none); ++i) {
    file = file.parent_path() / fs::read_symlink(file, none);
  }
  return file;
}

// The process's own stream of that file; -1 if it is none of them. Replacing the file would part it from what is printed.
int own_stream(const struct stat& file) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own {};
    if (::fstat(stream, &own) == 0 && own.st_dev == file.st_dev && own.st_ino == file.st_ino) return stream;
  }
  return -1;
}

[[noreturn]] void fail(const fs::path& target, std::string_view what, int error) {
  throw core::FileError(target.string(),
                        fmt::format("could not be {}: {}", what, std::generic_category().message(error)));
}

}  // namespace

OutputFile::OutputFile(fs::path target, std::span<const fs::path> inputs) : target_(std::move(target)) {
  if (target_ == "-") {
    throw core::ConfigError(
        "\"-\" stands for standard output elsewhere; here name a file (./- for one of that name, /dev/stdout for "
        "standard output)");
  }
  std::error_code none;
  if (fs::is_directory(target_, none)) throw core::FileError(target_.string(), "is a folder, not a file to write to");
  if (std::ranges::any_of(inputs, [this](const fs::path& input) { return is_input(target_, input); })) {
    throw core::ConfigError(
        fmt::format("{}: this command reads that file and would replace it; name another one", target_.string()));
  }
}

void OutputFile::write(std::string_view content) const {
  struct stat file {};
  if (::stat(target_.c_str(), &file) != 0) {
    return core::write_file_atomically(end_of_links(target_), content);
  }
  const std::span bytes = std::as_bytes(std::span(content));
  if (const int stream = own_stream(file); stream >= 0) {
    if (!core::write_all(stream, bytes)) fail(target_, "written", errno);
    return;
  }
  if (S_ISREG(file.st_mode)) return core::write_file_atomically(fs::canonical(target_), content);
  const int descriptor = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail(target_, "opened", errno);
  const bool written = core::write_all(descriptor, bytes);
  const int error = errno;
  ::close(descriptor);
  if (!written) fail(target_, "written", error);
}

}  // namespace tempera::cli
