#include "tempera/nn/trainer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "tempera/core/errors.hpp"

namespace tempera::nn {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, whole));
}

}  // namespace

double Trainer::now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Trainer::Trainer(TrainerParts parts, TrainerOptions options) : parts_(std::move(parts)), options_(std::move(options)) {
  for (const ScheduledNumber& scheduled : parts_.schedules) bases_.push_back(*scheduled.number);
  if (options_.weight_average) average_.emplace(parts_.model.parameters(), *options_.weight_average);
}

const TrainingState& Trainer::run() {
  last_save_ = now();
  // Resumed: there may be no epoch, or no batch of this one, left to set them.
  if (state_.batch > 0) {
    set_scheduled_numbers(state_.epoch, state_.batch - 1);
  } else if (state_.epoch > 0) {
    numbers_at_end_of(state_.epoch - 1);
  }
  while (state_.epoch < options_.epochs && !state_.stopped_early) {
    train_epoch();
    finish_epoch();
  }
  if (average_) average_->swap();
  return state_;
}

void Trainer::train_epoch() {
  core::Batch batch;
  parts_.train.start(state_.epoch, state_.batch);
  double begin = now();
  while (true) {
    stop_if_interrupted();
    if (!parts_.train.next(batch)) break;
    set_scheduled_numbers(state_.epoch, state_.batch);
    train_step(batch);
    const double end = now();
    state_.sums.seconds += end - std::exchange(begin, end);
    save_when_due();
  }
}

// The objective is outside of the scope: a teacher's products, say, are not rounded.
core::Variable Trainer::outputs_of(const core::Batch& batch, ForwardContext& context) {
  const core::PrecisionScope products(options_.precision);
  return parts_.model.forward(core::Variable(batch.inputs), context);
}

// What a layer or a quantizer refuses to go on with knows neither the step nor what may be done about it.
void Trainer::fail_in_step(const core::NumericError& error) const {
  if (error.step() >= 0) throw;  // what the handler that calls this has caught
  throw core::NumericError(error.where(), state_.step,
                           fmt::format("{} (if training diverged: {})", error.rule(), kAdvice));
}

Trainer::Pass Trainer::forward(const core::Batch& batch, ForwardContext& context) {
  try {
    core::Variable outputs = outputs_of(batch, context);
    core::Variable objective = parts_.objective(outputs, batch);
    return {std::move(outputs), std::move(objective)};
  } catch (const core::NumericError& error) {
    fail_in_step(error);
  }
}

void Trainer::train_step(const core::Batch& batch) {
  double loss = 0;
  {
    ForwardContext context{.training = true, .seed = options_.seed, .step = state_.step, .epoch = state_.epoch};
    context.batch_statistics = !options_.freeze_batch_norm || state_.epoch < *options_.freeze_batch_norm;
    const auto [outputs, objective] = forward(batch, context);
    loss = objective.value().item();
    if (!std::isfinite(loss)) fail_on_loss(objective);
    core::backward(objective);
    state_.sums.correct += outputs.value().rank() == 2 ? count_correct(outputs.value(), batch.labels) : 0;
  }  // the graph goes first: the update then owns every parameter's storage alone
  parts_.optimizer.step();
  parts_.optimizer.zero_grad();
  if (average_) average_->update();
  state_.sums.loss += loss * static_cast<double>(batch.size());
  state_.sums.samples += batch.size();
  ++state_.batch;
  ++state_.step;
  if (!on_step) return;
  on_step({.epoch = state_.epoch + 1,
           .batch = state_.batch,
           .batches = parts_.train.batches_per_epoch(),
           .step = state_.step,
           .loss = loss,
           .sums = state_.sums});
}

void Trainer::numbers_at_end_of(std::int64_t epoch) {
  set_scheduled_numbers(epoch, parts_.train.batches_per_epoch() - 1);
}

void Trainer::set_scheduled_numbers(std::int64_t whole, std::int64_t batch) {
  const double epoch = static_cast<double>(whole) + ratio(batch, parts_.train.batches_per_epoch());
  for (std::size_t i = 0; i < bases_.size(); ++i) {
    const ScheduledNumber& scheduled = parts_.schedules[i];
    *scheduled.number = scheduled.schedule.at(bases_[i], epoch, static_cast<double>(options_.epochs));
  }
}

void Trainer::finish_epoch() {
  EpochRecord record{.epoch = state_.epoch + 1, .steps = state_.step};
  const EpochSums& sums = state_.sums;
  record.train = {sums.loss / std::max<double>(1, static_cast<double>(sums.samples)),
                  ratio(sums.correct, sums.samples)};
  for (const ScheduledNumber& scheduled : parts_.schedules) {
    record.numbers[scheduled.schedule.target()] = *scheduled.number;
  }
  record.seconds = sums.seconds;
  record.samples_per_second = sums.seconds > 0 ? static_cast<double>(sums.samples) / sums.seconds : 0;
  if (options_.soft_temperature) record.soft_temperature = options_.soft_temperature(state_.epoch);
  validate(record);
  record.best = improved(record);
  state_.history.push_back(record);
  state_.sums = {};
  state_.batch = 0;
  ++state_.epoch;
  state_.stopped_early = options_.patience && state_.epoch - state_.best_epoch >= *options_.patience;
  // In this order: a run that is killed between the two goes on from the last one, which must not know of a best epoch
  // that was never written.
  if (record.best) save(kBestCheckpoint);
  save(kLastCheckpoint);
  if (on_epoch) on_epoch(record);
}

void Trainer::validate(EpochRecord& record) {
  if (parts_.validation == nullptr) return;
  const Outputs outputs = outputs_of_average({});
  if (!std::isfinite(outputs.loss)) {
    throw core::NumericError("validation", state_.step, fmt::format("its mean loss is {}; {}", outputs.loss, kAdvice));
  }
  const ClassificationMetrics metrics = classification_metrics(outputs.logits, outputs.labels);
  ValidationScores& scores = record.validation.emplace();
  scores.loss = outputs.loss;
  scores.accuracy = metrics.accuracy;
  scores.errors = metrics.errors;
  scores.nll = metrics.nll;
  scores.ece = metrics.ece;
  if (!record.soft_temperature) return;
  const Outputs soft = outputs_of_average({.epoch = state_.epoch, .soft = true});
  scores.soft_accuracy = classification_metrics(soft.logits, soft.labels).accuracy;
}

Outputs Trainer::outputs_of_average(const ForwardContext& context) {
  struct Swapped {
    explicit Swapped(std::optional<WeightAverage>& a) : average(a) {
      if (average) average->swap();
    }
    Swapped(const Swapped&) = delete;
    Swapped& operator=(const Swapped&) = delete;
    ~Swapped() {
      if (average) average->swap();
    }
    std::optional<WeightAverage>& average;
  };
  try {
    const Swapped swapped(average_);
    return evaluate(parts_.model, *parts_.validation, parts_.objective, options_.interrupt, context);
  } catch (const core::NumericError& error) {
    fail_in_step(error);
  } catch (const core::Interrupted&) {
    save(kLastCheckpoint);  // all batches of the epoch are done: a resumed run begins with its validation
    throw;
  }
}

bool Trainer::improved(const EpochRecord& record) {
  const SetScores& scores = record.validation ? *record.validation : record.train;
  const double score = options_.watch == Watch::kLoss ? -scores.loss : scores.accuracy;  // larger is better
  if (state_.best && !(score > *state_.best + options_.min_delta)) return false;
  state_.best = score;
  state_.best_epoch = record.epoch;
  return true;
}

}  // namespace tempera::nn
