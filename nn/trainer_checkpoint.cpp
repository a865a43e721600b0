// What the training loop writes, reads and gives up on.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/nn/trainer.hpp"

namespace tempera::nn {
namespace {

constexpr const char* kFormat = "tempera-checkpoint-1";
constexpr const char* kPrecision = "precision";  // left out for float32
constexpr const char* kOptimizer = "optimizer";  // older checkpoints do not have it

// adam and adamw keep tensors of the same names, and yet neither can go on where the other was.
void check_optimizer(const SafetensorsReader& file, const Optimizer& optimizer) {
  const auto kept = file.metadata().find(kOptimizer);
  if (kept == file.metadata().end() || optimizer.type().empty() || kept->second == optimizer.type()) return;
  throw core::CheckpointError(file.file(), fmt::format("was written by training with the optimizer {}, which cannot go "
                                                       "on with {}",
                                                       kept->second, optimizer.type()));
}

}  // namespace

std::vector<OptimizerState> Trainer::training_tensors() {
  std::vector<OptimizerState> all;
  for (OptimizerState& state : parts_.optimizer.state()) {
    all.push_back({std::string(kOptimizerPrefix) + state.name, state.tensor});
  }
  if (!average_) return all;
  for (OptimizerState& state : average_->state()) {
    all.push_back({std::string(kAveragePrefix) + state.name, state.tensor});
  }
  return all;
}

void Trainer::save(const char* name) {
  if (options_.checkpoints.empty()) return;
  check_finite_weights();
  SafetensorsWriter writer;
  for (const auto& [key, value] : options_.metadata) writer.metadata(key, value);
  writer.metadata("format", kFormat);
  if (!parts_.optimizer.type().empty()) writer.metadata(kOptimizer, parts_.optimizer.type());
  writer.metadata("optimizer_steps", fmt::format("{}", parts_.optimizer.steps()));
  writer.metadata("training", to_json(state_));
  if (options_.precision != core::Precision::kFloat32) {
    writer.metadata(kPrecision, std::string(core::precision_name(options_.precision)));
  }
  add_model(writer, parts_.model);
  for (const OptimizerState& state : training_tensors()) writer.add(state.name, *state.tensor);
  std::error_code error;
  std::filesystem::create_directories(options_.checkpoints, error);
  if (error)
    throw core::FileError(options_.checkpoints.string(), fmt::format("could not be made: {}", error.message()));
  writer.write(options_.checkpoints / name);
  last_save_ = now();
}

void Trainer::save_when_due() {
  if (!options_.checkpoints.empty() && now() - last_save_ >= options_.checkpoint_seconds) save(kLastCheckpoint);
}

void Trainer::resume(const std::filesystem::path& checkpoint) {
  const SafetensorsReader file(checkpoint);
  const auto text = [&](const char* key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end()) {
      throw core::CheckpointError(file.file(), fmt::format("is no checkpoint of training: it has no \"{}\"", key));
    }
    return found->second;
  };
  if (text("format") != kFormat) {
    throw core::CheckpointError(file.file(),
                                fmt::format("has format \"{}\", expected \"{}\"", text("format"), kFormat));
  }
  const auto kept = file.metadata().find(kPrecision);
  const std::string_view own = core::precision_name(options_.precision);
  const std::string was(kept == file.metadata().end() ? core::precision_name(core::Precision::kFloat32) : kept->second);
  if (was != own) {
    throw core::CheckpointError(
        file.file(),
        fmt::format("was written by training in {}, which cannot go on in {} with the same bits", was, own));
  }
  check_optimizer(file, parts_.optimizer);
  TrainingState state = training_state_from_json(text("training"), file.file());
  std::vector<TensorSlot> slots;
  for (const OptimizerState& s : training_tensors()) slots.push_back({s.name, s.tensor->shape(), s.tensor});
  std::int64_t steps = 0;
  try {
    steps = std::stoll(text("optimizer_steps"));
  } catch (const std::logic_error&) {  // what stoll throws for text that is no number
    throw core::CheckpointError(file.file(), "its number of optimizer steps is damaged");
  }
  if (steps < 0) {
    throw core::CheckpointError(file.file(), fmt::format("has {} optimizer steps, which cannot be below 0", steps));
  }
  load_training(file, parts_.model, slots);
  parts_.optimizer.set_steps(steps);
  state_ = std::move(state);
}

void Trainer::stop_if_interrupted() {
  if (options_.interrupt == nullptr || !options_.interrupt->load(std::memory_order_relaxed)) return;
  save(kLastCheckpoint);
  throw core::Interrupted(fmt::format("interrupted in epoch {} after step {}", state_.epoch + 1, state_.step));
}

void Trainer::fail_on_loss(const core::Variable& loss) const {
  check_finite_weights();
  std::string node = core::first_nonfinite(loss);
  if (node.empty()) node = "loss";
  throw core::NumericError(
      node, state_.step, fmt::format("gives the first value that is not finite, and so the loss is not; {}", kAdvice));
}

// A broken model must not replace the last good checkpoint.
void Trainer::check_finite_weights() const {
  for (const Parameter& parameter : parts_.model.parameters()) {
    const auto values = parameter.variable.value().values();
    if (std::ranges::all_of(values, [](Scalar v) { return std::isfinite(v); })) continue;
    throw core::NumericError(parameter.name, state_.step, fmt::format("is not finite after the update; {}", kAdvice));
  }
}

}  // namespace tempera::nn
