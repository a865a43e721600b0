#include "tempera/datasets/fetch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "tempera/datasets/bytes.hpp"
#include "tempera/datasets/download.hpp"
#include "tempera/datasets/file_handle.hpp"
#include "tempera/datasets/idx.hpp"
#include "tempera/datasets/sha256.hpp"

namespace tempera::data {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> mirrors_of(const KnownSet& set, const Environment& environment) {
  std::vector<std::string> mirrors;
  if (environment.mirror && set.name == mnist().name) mirrors.push_back(*environment.mirror);
  if (environment.public_mirrors) mirrors.insert(mirrors.end(), set.mirrors.begin(), set.mirrors.end());
  for (std::string& mirror : mirrors) {
    if (!mirror.ends_with('/')) mirror += '/';
  }
  return mirrors;
}

/// What is wrong with a downloaded file, or nothing.
std::optional<std::string> check(const fs::path& file, std::string_view expected) {
  try {
    const IdxArray array = read_idx(read_file(file), file.filename().string());
    const std::string received = hex(sha256(array.content.span()));
    if (received == expected) return std::nullopt;
    return fmt::format("its content has SHA-256 {}, expected {}", received, expected);
  } catch (const core::DataError& error) {
    return error.what();
  }
}

/// One file from one mirror, to its final name. Returns what went wrong, or nothing; a complete part that is wrong is
/// removed.
std::optional<std::string> fetch_from(const std::string& url, const fs::path& target, std::string_view expected,
                                      const Environment& environment) {
  const fs::path part = target.string() + ".part";
  std::error_code error;
  while (true) {
    const bool resumed = fs::file_size(part, error) > 0 && !error;
    if (auto problem = download({.url = url, .part = part}, environment)) return problem;
    auto problem = check(part, expected);
    if (!problem) break;
    fs::remove(part, error);
    if (!resumed) return problem;  // else the old part came from a file that was compressed otherwise: once more
  }
  fs::rename(part, target, error);
  if (error) return error.message();
  return std::nullopt;
}

/// Tries each mirror. Returns what went wrong with each if none served.
std::string fetch_file(const std::vector<std::string>& mirrors, const fs::path& target, std::string_view expected,
                       const Environment& environment) {
  std::string problems;
  for (const std::string& mirror : mirrors) {
    const std::string url = mirror + target.filename().string();
    const auto problem = fetch_from(url, target, expected, environment);
    if (!problem) return {};
    problems += fmt::format("\n  {}: {}", url, *problem);
  }
  return problems;
}

FileHandle lock(const fs::path& folder) {
  FileHandle file(::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file) return file;
  while (::flock(file.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  return file;
}

}  // namespace

FileSet fetch(const KnownSet& set, const Environment& environment) {
  const std::vector<std::string> mirrors = mirrors_of(set, environment);
  if (!environment.download || mirrors.empty()) throw FetchError("", "\n  download: switched off");
  if (!environment.cache) {
    throw FetchError("", "\n  download: there is no cache folder to put it (neither XDG_CACHE_HOME nor HOME is set)");
  }
  const fs::path folder = *environment.cache / set.name;
  std::error_code error;
  fs::create_directories(folder, error);
  const FileHandle guard = lock(folder);
  if (!guard) {
    throw FetchError("", fmt::format("\n  download: cannot write to {}: {}", folder.string(),
                                     error ? error.message() : std::generic_category().message(errno)));
  }
  FileSet result{.files = {}, .origin = fmt::format("{} (downloaded)", folder.string())};
  for (std::size_t i = 0; i < kMnistFiles.size(); ++i) {
    const fs::path target = folder / (std::string(kMnistFiles[i]) + ".gz");
    if (const auto there = find_file(folder, kMnistFiles[i])) {
      result.files[i] = *there;
      continue;
    }
    const std::string problems = fetch_file(mirrors, target, set.sha256[i], environment);
    if (!problems.empty()) throw FetchError("", problems);
    result.files[i] = target;
  }
  return result;
}

}  // namespace tempera::data
