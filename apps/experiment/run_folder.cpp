#include "tempera/apps/experiment/run_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "tempera/apps/text_file.hpp"
#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

std::string identity_in(const fs::path& provenance) {
  const auto document = nlohmann::json::parse(read_text(provenance), nullptr, false);
  if (!document.is_object()) return {};
  const auto found = document.find("run");
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_completed(const fs::path& summary) {
  const std::optional<std::string> text = read_text_if_there(summary);
  if (!text) return false;
  const auto document = nlohmann::json::parse(*text, nullptr, false);
  const auto status = document.is_object() ? document.find("status") : document.end();
  return status != document.end() && *status == "completed";
}

}  // namespace

RunFolder::RunFolder(fs::path path, const std::string& identity) : path_(std::move(path)), lock_(path_) {
  state_ = inspect(identity);
  if (state_ != FolderState::kFinished) prepare();
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

void RunFolder::prepare() const {
  const fs::path checkpoints = path_ / "checkpoints";
  std::error_code error;
  fs::create_directories(checkpoints, error);
  if (error) throw core::FileError(checkpoints.string(), "cannot be made: " + error.message());
  if (state_ != FolderState::kStarted) return;
  for (const fs::path& folder : {path_, checkpoints}) {  // what a killed process was writing
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".tmp") fs::remove(entry.path());
    }
  }
}

void RunFolder::write(std::string_view name, std::string_view content) const {
  core::write_file_atomically(file(name), content);
}

}  // namespace tempera::cli
