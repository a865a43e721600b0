// An experiment from config to run folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tempera/apps/experiment/experiment_config.hpp"
#include "tempera/apps/experiment/load_config.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/nn/trainer.hpp"

namespace tempera::cli {

/// Told what a run is doing, in place of the bar and the lines of epochs.
class RunWatcher {
 public:
  RunWatcher() = default;
  RunWatcher(const RunWatcher&) = delete;
  RunWatcher& operator=(const RunWatcher&) = delete;
  virtual ~RunWatcher() = default;
  virtual void on_step(const nn::StepReport& step, std::int64_t epochs) = 0;
  /// What comes after training: "choosing ranges".
  virtual void on_stage(std::string_view stage) = 0;
};

struct RunOptions {
  std::filesystem::path root = "runs";       ///< where run folders are made
  std::optional<std::filesystem::path> out;  ///< this folder instead of <root>/<name>-<hash8>
  bool resume = false;
  RunWatcher* watcher = nullptr;
  bool only_scores = false;  ///< of a run that is finished: its model may be gone
};

struct RunResult {
  std::filesystem::path folder;
  report::Summary summary;
  bool was_finished = false;  ///< the run had been done before; nothing was computed
};

/// Runs one experiment and writes its folder. Reports progress on stderr. A finished run is left as it is. Throws
/// FileError (folder in use, begun and not to be resumed, finished and without its model, not writable), DataError,
/// ConfigError, ShapeError, NumericError, Interrupted (a checkpoint and a summary with status "interrupted" are written).
[[nodiscard]] RunResult run_experiment(const LoadedConfig<ExperimentConfig>& loaded, const std::string& input_text,
                                       const RunOptions& options);

}  // namespace tempera::cli
