// Follows the runs of a study and keeps the table on the terminal up to date.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tempera/apps/experiment/study_runner.hpp"
#include "tempera/apps/experiment/study_table.hpp"

namespace tempera::cli {

class StudyWatch final : public RunWatcher {
 public:
  /// `result` with its runs, still waiting; it outlives this. `pair_by`: the path that rows are means over.
  StudyWatch(const StudyResult& result, const std::optional<std::string>& pair_by);

  void begin(std::size_t run);
  /// `computed`: it was not finished before.
  void end(bool computed);
  void on_step(const nn::StepReport& step, std::int64_t epochs) override;
  void on_stage(std::string_view stage) override;

 private:
  [[nodiscard]] double elapsed() const;
  [[nodiscard]] std::optional<double> seconds_left() const;
  void draw();

  const StudyResult& result_;
  std::vector<std::size_t> row_of_;  // by run
  std::vector<StudyRow> rows_;
  std::optional<std::size_t> at_work_;
  std::string doing_;
  double trained_ = 0;  // share of the training of the run at work
  std::chrono::steady_clock::time_point began_{};
  double computed_seconds_ = 0;
  std::size_t computed_ = 0;
  LiveBlock block_;
};

}  // namespace tempera::cli
