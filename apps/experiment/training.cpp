#include "tempera/apps/experiment/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tempera/apps/experiment/live_numbers.hpp"
#include "tempera/apps/interrupt.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/nn/checkpoint.hpp"
#include "tempera/nn/safetensors.hpp"
#include "tempera/quant/attach.hpp"

namespace tempera::cli {
namespace fs = std::filesystem;
namespace {

// The largest T of the model's quantizers in an epoch; none if no quantizer has a soft form.
std::optional<double> soft_temperature(nn::Model& model, std::int64_t epoch) {
  std::optional<double> steepest;
  for (const nn::Site* site : model.sites()) {
    const quant::SiteQuantizer* quantizer = quant::quantizer_of(*site);
    const std::optional<double> t = quantizer == nullptr ? std::nullopt : quantizer->quantizer().temperature(epoch);
    if (t) steepest = std::max(steepest.value_or(*t), *t);
  }
  return steepest;
}

nn::TrainerOptions trainer_options(const ExperimentConfig& config, const TrainingOptions& options, nn::Model& model) {
  const TrainSection& train = config.train;
  nn::TrainerOptions result;
  result.epochs = train.epochs;
  result.seed = static_cast<std::uint64_t>(config.seed);
  result.precision = train.precision;
  result.weight_average = train.weight_average;
  if (train.early_stopping) {
    result.watch = train.early_stopping->watch;
    result.patience = train.early_stopping->patience;
    result.min_delta = train.early_stopping->min_delta;
  }
  if (config.quantization && config.quantization->when == quant::When::kAware) {
    result.freeze_batch_norm = config.quantization->freeze_batch_norm;
    result.soft_temperature = [&model](std::int64_t epoch) { return soft_temperature(model, epoch); };
  }
  result.checkpoints = options.checkpoints;
  result.checkpoint_seconds = static_cast<double>(train.checkpoint_seconds);
  result.metadata = options.metadata;
  result.interrupt = &interrupt_requested();
  return result;
}

std::vector<nn::ScheduledNumber> scheduled_numbers(const ExperimentConfig& config, const core::FieldsFn& numbers) {
  std::vector<nn::ScheduledNumber> all;
  const auto add = [&](const core::Configurable& schedule, const std::string& pointer) {
    nn::Schedule made = config.registry().schedules().make(schedule);
    double& number = live_number(numbers, made.target(), pointer);
    all.push_back({.schedule = std::move(made), .number = &number});
  };
  add(*config.schedule, "/schedule/target");
  for (std::size_t i = 0; i < config.schedules.size(); ++i) {
    add(*config.schedules[i], fmt::format("/schedules/{}/target", i));
  }
  return all;
}

}  // namespace

nn::Objective objective_of(const ExperimentConfig& config) {
  const std::shared_ptr<const nn::Loss> loss = config.registry().losses().make(*config.loss);
  return [loss](const core::Variable& outputs, const core::Batch& batch) { return (*loss)(outputs, batch.labels); };
}

nn::TrainingState train(const ExperimentConfig& config, const data::LoadedData& data, nn::Model& model,
                        const TrainingOptions& options) {
  const std::unique_ptr<nn::Optimizer> optimizer =
      config.registry().optimizers().make(*config.optimizer, model.parameters());
  const core::FieldsFn numbers = numbers_of_run(model, *optimizer);
  data::Loader training(data.set.train, data.normalization, config.data.augment,
                        {.batch = config.train.batch,
                         .seed = static_cast<std::uint64_t>(config.seed),
                         .drop_last = config.train.drop_last});
  constexpr std::int64_t kEvaluationBatch = 256;
  std::unique_ptr<data::Loader> validation;
  if (data.set.validation.size() > 0) {
    validation = std::make_unique<data::Loader>(data.set.validation, data.normalization, kEvaluationBatch);
  }
  nn::Trainer trainer({.model = model,
                       .optimizer = *optimizer,
                       .train = training,
                       .validation = validation.get(),
                       .objective = objective_of(config),
                       .schedules = scheduled_numbers(config, numbers)},
                      trainer_options(config, options, model));
  if (options.on_step) trainer.on_step = options.on_step;
  if (options.on_epoch) trainer.on_epoch = [&](const nn::EpochRecord&) { options.on_epoch(trainer.state()); };
  const fs::path last = options.checkpoints / nn::kLastCheckpoint;
  if (options.resume && fs::exists(last)) {
    trainer.resume(last);
    say(fmt::format("continuing after epoch {}, step {}", trainer.state().epoch, trainer.state().step));
  } else if (options.resume && config.train.epochs > 0) {
    say(fmt::format("{} is not there: training begins again", last.string()));
  }
  trainer.run();
  const fs::path best = options.checkpoints / nn::kBestCheckpoint;
  if (config.train.early_stopping && !options.checkpoints.empty() && fs::exists(best)) {
    nn::load_model(nn::SafetensorsReader(best), model);
    if (trainer.state().best_epoch > 0) trainer.numbers_at_end_of(trainer.state().best_epoch - 1);
  }
  return trainer.state();
}

}  // namespace tempera::cli
