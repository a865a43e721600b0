// Where training stands: everything besides tensors that a resumed run needs to go on with the same bits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tempera::nn {

/// What a pass over a set gave.
struct SetScores {
  double loss = 0;      ///< mean of the objective
  double accuracy = 0;  ///< of the predictions made while training, for the training set
};

/// What validation adds.
struct ValidationScores : SetScores {
  std::int64_t errors = 0;
  double nll = 0;
  double ece = 0;
  std::optional<double> soft_accuracy;  ///< of the soft forms of quantizers (TrainerOptions::soft_temperature)

  /// soft_accuracy − accuracy: what hardening takes, from −1 to 1; negative where the hard form is the better one. None
  /// without soft_accuracy.
  [[nodiscard]] std::optional<double> soft_gap() const {
    return soft_accuracy ? std::optional(*soft_accuracy - accuracy) : std::nullopt;
  }
};

/// One line of metrics.jsonl.
struct EpochRecord {
  std::int64_t epoch = 0;  ///< 1 for the first
  std::int64_t steps = 0;  ///< since the start of training
  SetScores train;
  std::optional<ValidationScores> validation;
  std::map<std::string, double> numbers;   ///< scheduled ones, by their paths, at the last step
  std::optional<double> soft_temperature;  ///< TrainerOptions::soft_temperature of this epoch
  double seconds = 0;                      ///< of training, without validation
  double samples_per_second = 0;
  bool best = false;  ///< the watched score surpassed TrainingState::best by more than TrainerOptions::min_delta
};

/// Sums over the part of the current epoch that is done.
struct EpochSums {
  double loss = 0;  ///< Σ mean loss · samples
  std::int64_t correct = 0;
  std::int64_t samples = 0;
  double seconds = 0;
};

struct TrainingState {
  std::int64_t epoch = 0;  ///< complete passes
  std::int64_t batch = 0;  ///< batches done in the current pass
  std::int64_t step = 0;   ///< optimizer steps
  EpochSums sums;
  std::vector<EpochRecord> history;
  /// Watched score of the best epoch: the last one that surpassed the best before it by more than TrainerOptions::min_delta.
  std::optional<double> best;
  std::int64_t best_epoch = 0;
  bool stopped_early = false;
};

/// As JSON; doubles keep all their bits.
[[nodiscard]] std::string to_json(const TrainingState& state);
[[nodiscard]] std::string to_json(const EpochRecord& record);
/// Throws CheckpointError naming the file where a key is missing or of another type.
[[nodiscard]] TrainingState training_state_from_json(const std::string& json, const std::string& file);

}  // namespace tempera::nn
