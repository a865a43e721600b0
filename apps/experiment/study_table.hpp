// A study as a person follows it on a terminal: a row for each combination of what varies, and the run now at work.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tempera/apps/experiment/statistics.hpp"
#include "tempera/apps/live_block.hpp"
#include "tempera/apps/terminal.hpp"

namespace tempera::cli {

/// Runs that differ in nothing but the paired path.
struct StudyRow {
  std::string setting;  ///< "bits 8, way PTQ"
  std::size_t done = 0, failed = 0, total = 0;
  Mean accuracy;           ///< of the test set, over the runs that are done, in [0, 1]
  std::string arithmetic;  ///< that the accuracy is of; empty until a run is done
  bool at_work = false;
};

/// The run at work, and what is left.
struct StudyNow {
  std::string run;                     ///< "run 3 of 12: seed 2, way PTQ"; empty if none is
  std::string doing;                   ///< "epoch 2/10  loss 0.1234"
  std::optional<double> seconds_left;  ///< of the whole study; not known before the first steps
};

/// Never more lines than `size` has rows but one, nor wider ones: columns are dropped from the right, settings are shortened,
/// and of too many rows those around the one at work are shown.
[[nodiscard]] std::vector<LiveBlock::Line> study_lines(const std::vector<StudyRow>& rows, const StudyNow& now,
                                                       TerminalSize size);

}  // namespace tempera::cli
