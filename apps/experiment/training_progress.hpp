// What a person sees while a network trains.
#pragma once

#include <cstdint>

#include "tempera/apps/terminal.hpp"
#include "tempera/nn/trainer.hpp"

namespace tempera::cli {

/// A bar with loss, accuracy, images per second and time left on a terminal; one line per epoch everywhere.
class TrainingProgress {
 public:
  explicit TrainingProgress(std::int64_t epochs) : epochs_(epochs) {}
  void on_step(const nn::StepReport& step);
  void on_epoch(const nn::EpochRecord& record);

 private:
  std::int64_t epochs_;
  ProgressLine line_;
};

}  // namespace tempera::cli
