// The training loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/nn/evaluate.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/nn/optimizer.hpp"
#include "tempera/nn/schedule.hpp"
#include "tempera/nn/training_state.hpp"
#include "tempera/nn/weight_average.hpp"

namespace tempera::nn {

/// In TrainerOptions::checkpoints.
inline constexpr const char* kLastCheckpoint = "last.safetensors";
inline constexpr const char* kBestCheckpoint = "best.safetensors";

/// Which score decides what the best epoch is: of the validation set, or of the training set where there is none.
enum class Watch { kLoss, kAccuracy };

struct TrainerOptions {
  std::int64_t epochs = 10;
  std::uint64_t seed = 0;                                 ///< of the masks that layers draw
  core::Precision precision = core::Precision::kFloat32;  ///< of the products of a training step; validation is float32
  std::optional<double> weight_average;  ///< decay of an average of the weights; it is what is evaluated and kept
  std::optional<std::int64_t> freeze_batch_norm;  ///< epochs after which batch norm keeps its running statistics
  /// T of the soft forms of quantizers in an epoch (from 0), for the epoch's record. Where it gives one, validation is done a
  /// second time with ForwardContext::soft. Not set: there are no soft forms.
  std::function<std::optional<double>(std::int64_t epoch)> soft_temperature;
  Watch watch = Watch::kAccuracy;
  std::optional<std::int64_t> patience;  ///< epochs without improvement after which training ends early
  double min_delta = 0;                  ///< a smaller change of the watched score is no improvement
  std::filesystem::path checkpoints;     ///< folder for last.safetensors and best.safetensors; empty: none are written
  double checkpoint_seconds = 30;        ///< longest time between two checkpoints; one follows every epoch in any case
  std::map<std::string, std::string> metadata;   ///< put into every checkpoint (e.g. the resolved config)
  const std::atomic<bool>* interrupt = nullptr;  ///< looked at before every step
};

/// A number that a schedule changes.
struct ScheduledNumber {
  Schedule schedule;
  double* number;  ///< read by the optimizer or another part of the run; `*number` at the start is the schedule's base
};

/// After an optimizer step.
struct StepReport {
  std::int64_t epoch = 0;    ///< 1 for the first
  std::int64_t batch = 0;    ///< batches done in this epoch
  std::int64_t batches = 0;  ///< in an epoch
  std::int64_t step = 0;     ///< optimizer steps done
  double loss = 0;           ///< of this batch
  EpochSums sums;            ///< over this epoch so far
};

/// The parts of a run; they outlive the trainer.
struct TrainerParts {
  Model& model;
  Optimizer& optimizer;
  core::BatchSource& train;
  core::BatchSource* validation = nullptr;
  Objective objective;
  std::vector<ScheduledNumber> schedules;
};

/// Trains a model. All that is random is addressed by (seed, epoch, batch, step), so a run that was stopped anywhere and
/// resumed from its checkpoint ends with the same bits as one that was not.
class Trainer {
 public:
  Trainer(TrainerParts parts, TrainerOptions options);

  /// Sets scheduled numbers to what they are in the last batch of an epoch (from 0): what they stay at when training has ended, or
  /// were when weights of an earlier epoch were kept.
  void numbers_at_end_of(std::int64_t epoch);

  std::function<void(const StepReport&)> on_step;
  /// After an epoch's checkpoint is written, so that what is done here may be repeated but is never ahead of it.
  std::function<void(const EpochRecord&)> on_epoch;

  /// Takes up the state of a checkpoint. Throws CheckpointError (of another model, optimizer, precision or set of options);
  /// everything is then as it was before.
  void resume(const std::filesystem::path& checkpoint);
  /// Trains until the last epoch or early stopping; then the model has the averaged weights, if there are any. Throws
  /// core::Interrupted after writing last.safetensors when the flag is set; NumericError naming the step and the node
  /// where the first value stopped being finite (checkpoints are then those of before); FileError.
  const TrainingState& run();

  [[nodiscard]] const TrainingState& state() const noexcept { return state_; }

 private:
  /// Where numbers broke.
  static constexpr const char* kAdvice = "lower the learning rate, or set optimizer.clip_norm";

  [[nodiscard]] static double now();  ///< seconds of the steady clock
  void train_epoch();
  struct Pass {
    core::Variable outputs, objective;
  };
  [[nodiscard]] Pass forward(const core::Batch& batch, ForwardContext& context);
  [[noreturn]] void fail_in_step(const core::NumericError& error) const;
  void train_step(const core::Batch& batch);
  [[nodiscard]] core::Variable outputs_of(const core::Batch& batch, ForwardContext& context);
  void set_scheduled_numbers(std::int64_t epoch, std::int64_t batch);
  void finish_epoch();
  void validate(EpochRecord& record);
  [[nodiscard]] Outputs outputs_of_average(const ForwardContext& context);
  [[nodiscard]] bool improved(const EpochRecord& record);
  void stop_if_interrupted();
  void save(const char* name);
  void save_when_due();
  [[noreturn]] void fail_on_loss(const core::Variable& loss) const;
  void check_finite_weights() const;
  [[nodiscard]] std::vector<OptimizerState> training_tensors();

  TrainerParts parts_;
  TrainerOptions options_;
  std::vector<double> bases_;  // of the scheduled numbers
  std::optional<WeightAverage> average_;
  TrainingState state_;
  double last_save_ = 0;  // now() at it
};

}  // namespace tempera::nn
