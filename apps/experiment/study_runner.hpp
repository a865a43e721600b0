// A study: every combination of what it varies, each a run of its own in the study's folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tempera/apps/experiment/runner.hpp"

namespace tempera::cli {

struct StudyRun {
  std::string folder;                                          ///< name below the study's folder
  std::vector<std::pair<std::string, std::string>> overrides;  ///< path and JSON text
  std::string error;                                           ///< why it failed; empty if it did not
  report::Summary summary;                                     ///< status "failed" if it did
};

struct StudyResult {
  std::filesystem::path folder;
  std::vector<StudyRun> runs;
  std::string command = {};   ///< that asked for it; empty if it is not known
  std::string identity = {};  ///< hash of what is studied; empty in tables of older versions
  std::string out = {};  ///< the folder as it was asked for, relative; empty where `run` chose it, or it lies elsewhere
};

/// Runs what is not finished yet, continues what was interrupted, and keeps study.json and study.csv up to date from the
/// beginning and after each run, so that it may be killed at any moment and called again. A run that fails is noted and
/// the others go on. Throws as check_all before anything is computed, Interrupted, and FileError for the study's own files, if another
/// process runs in its folder, or if that holds anything of another study or run.
/// `command` is what asked for it, for the tables.
[[nodiscard]] StudyResult run_study(const LoadedFile<ExperimentConfig>& file, const RunOptions& options,
                                    const std::string& command = {});

/// What a run varies, on one line: "seed=1 train.epochs=3".
[[nodiscard]] std::string overrides_text(const StudyRun& run);
/// study.json: every run with its overrides, status and test scores.
[[nodiscard]] std::string study_json(const std::string& name, const StudyConfig& study, const StudyResult& result);
/// study.csv: a row per run, a column per varied path.
[[nodiscard]] std::string study_csv(const StudyResult& result);

}  // namespace tempera::cli
