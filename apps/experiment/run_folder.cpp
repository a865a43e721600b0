#include "tempera/apps/experiment/run_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

std::string identity_in(const fs::path& provenance) {
  const auto document = nlohmann::json::parse(read_file(provenance), nullptr, false);
  if (!document.is_object()) return {};
  const auto found = document.find("run");
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_completed(const fs::path& summary) {
  if (!fs::exists(summary)) return false;
  const auto document = nlohmann::json::parse(read_file(summary), nullptr, false);
  return document.is_object() && document.value("status", "") == "completed";
}

}  // namespace

RunFolder::RunFolder(fs::path path, std::string identity) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_ / "checkpoints", error);
  if (error) throw core::FileError(path_.string(), "the run folder cannot be made: " + error.message());
  lock();
  try {
    state_ = inspect(identity);
  } catch (...) {  // the destructor does not run for an object that was never finished
    close(descriptor_);
    throw;
  }
}

RunFolder::~RunFolder() { close(descriptor_); }

void RunFolder::lock() {
  descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) throw core::FileError(path_.string(), std::string("cannot be opened: ") + std::strerror(errno));
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(descriptor_);
  if (reason != EWOULDBLOCK)
    throw core::FileError(path_.string(), std::string("cannot be locked: ") + std::strerror(reason));
  throw core::FileError(path_.string(),
                        "another process is running in this folder; wait for it or choose another with --out");
}

FolderState RunFolder::inspect(const std::string& identity) const {
  const fs::path provenance = file("provenance.json");
  if (!fs::exists(provenance)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
      const std::string name = entry.path().filename().string();
      const bool ours = name == "checkpoints" || name == "config.input.json" || name == "config.resolved.json" ||
                        name.ends_with(".tmp");
      if (!ours) {
        throw core::FileError(path_.string(),
                              fmt::format("holds \"{}\", which is no run's; choose another folder with --out", name));
      }
    }
    return FolderState::kFresh;
  }
  const std::string found = identity_in(provenance);
  if (found != identity) {
    throw core::FileError(path_.string(),
                          fmt::format("belongs to another run ({}, this one is {}); choose another folder with --out",
                                      found.empty() ? "unreadable" : found.substr(0, 8), identity.substr(0, 8)));
  }
  return is_completed(file("summary.json")) ? FolderState::kFinished : FolderState::kStarted;
}

void RunFolder::write(std::string_view name, std::string_view content) const {
  core::write_file_atomically(file(name), content);
}

bool is_run_folder(const fs::path& path) { return fs::exists(path / "config.resolved.json"); }

std::string read_file(const fs::path& path) {
  if (fs::is_directory(path)) throw core::FileError(path.string(), "is a folder, a file is expected");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw core::FileError(path.string(), std::string("cannot be read: ") + std::strerror(errno));
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad()) throw core::FileError(path.string(), "reading failed");
  return std::move(content).str();
}

}  // namespace tempera::cli
