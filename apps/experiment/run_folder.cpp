#include "tempera/apps/experiment/run_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "tempera/apps/experiment/content_hash.hpp"
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

// What a killed process was writing.
void remove_unfinished(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".tmp") fs::remove(entry.path());
  }
}

}  // namespace

bool is_completed(const fs::path& summary) {
  const std::optional<std::string> text = read_text_if_there(summary);
  if (!text) return false;
  const auto document = nlohmann::json::parse(*text, nullptr, false);
  const auto status = document.is_object() ? document.find("status") : document.end();
  return status != document.end() && *status == "completed";
}

RunFolder::RunFolder(fs::path path, const std::string& identity, std::string result)
    : path_(std::move(path)), result_(std::move(result)), lock_(path_) {
  state_ = inspect(identity);
  if (state_ != FolderState::kFinished) remove_unfinished(path_);
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
                                      found.empty() ? "unreadable" : short_hash(found), short_hash(identity)));
  }
  return is_completed(file(result_)) ? FolderState::kFinished : FolderState::kStarted;
}

void RunFolder::check_start(bool resume) const {
  if (state_ != FolderState::kStarted || resume) return;
  throw core::FileError(
      path_.string(),
      "this run began here and did not finish; continue it with --resume, or choose another folder with --out");
}

void RunFolder::require(std::string_view name) const {
  if (fs::exists(file(name))) return;
  throw core::FileError(
      file(name).string(),
      "is missing, though this run finished; put it back, remove the run's folder to run it again, or "
      "choose another folder with --out");
}

std::string RunFolder::finished_text() const {
  return fmt::format("{} holds this very run, finished: nothing is computed (--out DIR makes it again elsewhere)",
                     path_.string());
}

void RunFolder::make_folder(std::string_view name) const {
  std::error_code error;
  fs::create_directories(file(name), error);
  if (error) throw core::FileError(file(name).string(), "cannot be made: " + error.message());
  remove_unfinished(file(name));
}

void RunFolder::write(std::string_view name, std::string_view content) const {
  core::write_file_atomically(file(name), content);
}

}  // namespace tempera::cli
