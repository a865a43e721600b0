#include "tempera/apps/experiment/study_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "tempera/apps/experiment/check_experiment.hpp"
#include "tempera/apps/experiment/content_hash.hpp"
#include "tempera/apps/experiment/folder_lock.hpp"
#include "tempera/apps/experiment/study_file.hpp"
#include "tempera/apps/experiment/study_statistics.hpp"
#include "tempera/apps/experiment/study_watch.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/report/study_page.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/apps/text_file.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/atomic_file.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

using nlohmann::ordered_json;

// Two studies of one config share a folder whatever data they found: each run's own hash holds the data.
std::string identity_of(const LoadedFile<ExperimentConfig>& file) {
  return content_hash(file.whole.resolved, "", kFormatVersion);
}

fs::path folder_of(const LoadedFile<ExperimentConfig>& file, const RunOptions& options, const std::string& identity) {
  return options.out.value_or(options.root / hashed_name(file.whole.config.name, identity));
}

// A folder as documents may name it: an absolute path is of this machine alone, unless it leads below the working folder.
std::string below_here(const fs::path& folder) {
  if (folder.is_relative()) return folder.lexically_normal().string();
  const fs::path below = folder.lexically_normal().lexically_relative(fs::current_path());
  return below.empty() || *below.begin() == ".." ? std::string() : below.string();
}

std::string folder_name(const LoadedConfig<ExperimentConfig>& run, std::size_t index) {
  return hashed_name(fmt::format("{:04}", index + 1), content_hash(run.resolved, "", kFormatVersion));
}

const report::Scores* test_scores(const report::Summary& summary) {
  const auto mode = summary.results.find(report::shipped_mode(summary));
  if (mode == summary.results.end()) return nullptr;
  const auto split = mode->second.find("test");
  return split == mode->second.end() ? nullptr : &split->second;
}

// A field of a CSV file (RFC 4180).
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// A text without the quotes that it has in JSON.
std::string plain(const std::string& json) {
  const ordered_json value = ordered_json::parse(json);
  return value.is_string() ? value.get<std::string>() : json;
}

// False if it had been finished before.
bool run_one(const LoadedFile<ExperimentConfig>& file, std::size_t index, const RunOptions& options, StudyRun& run) {
  try {
    RunResult result = run_experiment(file.runs[index], file.text, options);
    run.summary = std::move(result.summary);
    return !result.was_finished;
  } catch (const core::Interrupted&) {
    throw;
  } catch (const std::exception& error) {  // out of memory, too, is one run's trouble
    run.summary.status = "failed";
    run.error = error.what();
    complain(fmt::format("{}: {}", run.folder, error.what()));
    return true;
  }
}

// Whose study a folder holds; empty if it has none, or one of a version that did not say. Throws FileError.
std::string owner_of(const fs::path& folder) {
  const std::optional<std::string> text = read_text_if_there(folder / "study.json");
  if (!text) return {};
  const auto document = ordered_json::parse(*text, nullptr, false);
  if (!document.is_object()) {
    throw core::FileError((folder / "study.json").string(),
                          "is unreadable, so that it cannot be told whose study the folder holds; remove that file, "
                          "or choose another folder with --out");
  }
  const auto found = document.find("study");
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The rule of runs (run_folder.cpp): nothing is written beside what is not this study's.
void check_owner(const StudyResult& result) {
  const std::string folder = result.folder.string(), owner = owner_of(result.folder);
  if (owner == result.identity) return;
  if (!owner.empty()) {
    throw core::FileError(folder,
                          fmt::format("belongs to another study ({}, this one is {}); choose another folder with --out",
                                      short_hash(owner), short_hash(result.identity)));
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(result.folder)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name == "study.json" || name == "study.csv" || name == "report.html" || name.ends_with(".tmp") ||
                      std::ranges::find(result.runs, name, &StudyRun::folder) != result.runs.end();
    if (!ours) {
      throw core::FileError(
          folder, fmt::format("holds \"{}\", which is not this study's; choose another folder with --out", name));
    }
  }
}

void write_tables(const LoadedFile<ExperimentConfig>& file, const StudyResult& result) {
  const std::string text = study_json(file.whole.config.name, file.whole.config.study, result);
  core::write_file_atomically(result.folder / "study.json", text);
  const ordered_json study = ordered_json::parse(text);
  core::write_file_atomically(result.folder / "report.html",
                              report::render_study(study, made_by(result.folder, study)));
  core::write_file_atomically(result.folder / "study.csv", study_csv(result));
}

}  // namespace

std::string overrides_text(const StudyRun& run) {
  std::string text;
  for (const auto& [path, value] : run.overrides) text += fmt::format("{}{}={}", text.empty() ? "" : " ", path, value);
  return text;
}

std::string study_json(const std::string& name, const StudyConfig& study, const StudyResult& result) {
  ordered_json runs = ordered_json::array();
  for (const StudyRun& run : result.runs) {
    ordered_json overrides = ordered_json::object();
    for (const auto& [path, value] : run.overrides) overrides[path] = ordered_json::parse(value);
    ordered_json entry{{"folder", run.folder}, {"overrides", overrides}, {"status", run.summary.status}};
    if (!run.error.empty()) entry["error"] = run.error;
    entry["results"] = ordered_json::object();
    for (const auto& [mode, splits] : run.summary.results) {
      if (const auto test = splits.find("test"); test != splits.end()) {
        entry["results"][mode] = {
            {"errors", test->second.errors}, {"accuracy", test->second.accuracy}, {"nll", test->second.nll}};
      }
    }
    if (run.summary.training.rounded) entry["rounded"] = true;
    if (const report::DataFacts& data = run.summary.data; !data.used.empty()) {
      entry["data"] = {
          {"used", data.used}, {"train", data.train}, {"validation", data.validation}, {"test", data.test}};
    }
    entry["bytes"] = run.summary.model.bytes;
    entry["bits"] = run.summary.model.bits;
    if (const report::Scores* test = test_scores(run.summary)) {
      entry["test"] = {{"n", test->n},
                       {"errors", test->errors},
                       {"accuracy", test->accuracy},
                       {"nll", test->nll},
                       {"ece", test->ece}};
    }
    runs.push_back(entry);
  }
  ordered_json document{{"format", kFormatVersion},
                        {"name", name},
                        {"vary", ordered_json::parse(study.vary)},
                        {"pair_by", study.pair_by ? ordered_json(*study.pair_by) : ordered_json(nullptr)},
                        {"runs", runs}};
  if (!result.identity.empty()) document["study"] = result.identity;
  if (!result.command.empty()) document["command"] = result.command;
  if (!result.out.empty()) document["out"] = result.out;
  document["statistics"] = study_statistics(document);
  return document.dump(2) + "\n";
}

std::string study_csv(const StudyResult& result) {
  std::string text = "folder,status";
  if (!result.runs.empty()) {
    for (const auto& [path, value] : result.runs.front().overrides) text += "," + csv_field(path);
  }
  text += ",n,errors,accuracy,nll,ece,seconds,arithmetic,bytes,error\n";
  for (const StudyRun& run : result.runs) {
    text += run.folder + "," + run.summary.status;
    for (const auto& [path, value] : run.overrides) text += "," + csv_field(plain(value));
    const report::Scores* test = test_scores(run.summary);
    text += test == nullptr ? std::string(",,,,,,,")
                            : fmt::format(",{},{},{},{},{},{},{}", test->n, test->errors, test->accuracy, test->nll,
                                          test->ece, run.summary.training.seconds, report::shipped_mode(run.summary));
    const auto stored = run.summary.model.bytes.find("stored");
    text += stored == run.summary.model.bytes.end() ? "," : fmt::format(",{}", stored->second);
    text += fmt::format(",{}\n", csv_field(run.error));
  }
  return text;
}

StudyResult run_study(const LoadedFile<ExperimentConfig>& file, const RunOptions& options, const std::string& command) {
  static_cast<void>(check_all(file));
  const std::string identity = identity_of(file);
  StudyResult result{
      .folder = folder_of(file, options, identity), .runs = {}, .command = command, .identity = identity};
  if (options.out) result.out = below_here(*options.out);
  for (std::size_t i = 0; i < file.runs.size(); ++i) {
    StudyRun run{
        .folder = folder_name(file.runs[i], i), .overrides = file.runs[i].overrides, .error = {}, .summary = {}};
    run.summary.status = "waiting";
    result.runs.push_back(std::move(run));
  }
  const FolderLock lock(result.folder);
  check_owner(result);
  // From now on the folder is known as a study's. One that is there tells of runs that are still to be read again.
  if (!fs::exists(result.folder / "study.json")) write_tables(file, result);
  say(fmt::format("study of {} runs in {}", result.runs.size(), result.folder.string()));
  std::optional<StudyWatch> watch;
  if (LiveBlock::possible()) watch.emplace(result, file.whole.config.study.pair_by);
  for (std::size_t i = 0; i < result.runs.size(); ++i) {
    say(fmt::format("run {} of {}: {}", i + 1, result.runs.size(), overrides_text(result.runs[i])));
    if (watch) watch->begin(i);
    const bool computed = run_one(file, i,
                                  {.out = result.folder / result.runs[i].folder,
                                   .resume = true,
                                   .watcher = watch ? &*watch : nullptr,
                                   .only_scores = true},
                                  result.runs[i]);
    write_tables(file, result);
    if (watch) watch->end(computed);
  }
  return result;
}

}  // namespace tempera::cli
