#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "nn/training_run.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/config/find_number.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/checkpoint.hpp"

using namespace tempera;

namespace {

constexpr const char* kAdam = R"({"type": "adam", "learning_rate": 0.02, "clip_norm": 1})";

nn::TrainerOptions options_in(const TemporaryFolder& folder, std::int64_t epochs = 4) {
  return {.epochs = epochs, .seed = 3, .weight_average = 0.9, .checkpoints = folder.path()};
}

// Runs until `steps` steps are done and is interrupted there, which writes last.safetensors.
void run_and_interrupt(nn::TrainerOptions options, std::int64_t steps) {
  std::atomic<bool> interrupt{steps == 0};
  options.interrupt = &interrupt;
  TrainingRun run(options, kAdam);
  run.trainer.on_step = [&](const nn::StepReport& report) { interrupt = report.step == steps; };
  CHECK_THROWS_AS(run.trainer.run(), core::Interrupted);
}

// A copy of the last checkpoint as it was written before checkpoints named their optimizer.
std::filesystem::path without_optimizer(const TemporaryFolder& folder) {
  const nn::SafetensorsReader file(folder / nn::kLastCheckpoint);
  nn::SafetensorsWriter writer;
  for (const auto& [key, value] : file.metadata()) {
    if (key != "optimizer") writer.metadata(key, value);
  }
  for (const nn::StoredTensor& stored : file.tensors()) writer.add(stored.name, file.tensor(stored.name));
  writer.write(folder / "old.safetensors");
  return folder / "old.safetensors";
}

bool same_history(const nn::TrainingState& a, const nn::TrainingState& b) {
  if (a.history.size() != b.history.size()) return false;
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    if (a.history[i].train.loss != b.history[i].train.loss ||
        a.history[i].train.accuracy != b.history[i].train.accuracy ||
        a.history[i].validation->loss != b.history[i].validation->loss || a.history[i].best != b.history[i].best) {
      return false;
    }
  }
  return true;
}

// A site whose soft form answers class 0, whatever comes.
class SoftlyFirst final : public nn::ValueTransform {
 public:
  core::Variable operator()(const core::Variable& value, nn::ForwardContext& context) override {
    if (!context.soft) return value;
    core::Tensor answer = core::Tensor::zeros(value.value().shape());
    const std::int64_t classes = answer.shape()[1];
    for (std::int64_t row = 0; row < answer.shape()[0]; ++row) answer.mutable_data()[row * classes] = 1;
    return core::Variable(answer);
  }
};

}  // namespace

TEST_CASE("a run on three separable blobs reaches 95 % and a lower loss than it began with") {
  TrainingRun run({.epochs = 20});
  const nn::TrainingState& state = run.trainer.run();
  CHECK(state.history.size() == 20);
  CHECK(state.step == 20 * 6);
  CHECK(state.history.back().validation->accuracy >= 0.95);
  CHECK(state.history.back().train.loss < 0.5 * state.history.front().train.loss);
}

TEST_CASE("a run interrupted at any step and resumed ends with the bits and the history of an uninterrupted one") {
  const TemporaryFolder whole_folder;
  TrainingRun whole(options_in(whole_folder), kAdam);
  whole.trainer.run();
  for (const std::int64_t steps : {0, 1, 5, 6, 7, 14, 23}) {
    CAPTURE(steps);
    const TemporaryFolder folder;
    run_and_interrupt(options_in(folder), steps);
    TrainingRun resumed(options_in(folder), kAdam);
    resumed.trainer.resume(folder / nn::kLastCheckpoint);
    CHECK(resumed.trainer.state().step == steps);
    resumed.trainer.run();
    CHECK(resumed.numbers() == whole.numbers());
    CHECK(same_history(resumed.trainer.state(), whole.trainer.state()));
  }
}

TEST_CASE("resuming a complete run changes nothing and gives its averaged weights again") {
  const TemporaryFolder folder;
  TrainingRun whole(options_in(folder), kAdam);
  whole.trainer.run();
  TrainingRun again(options_in(folder), kAdam);
  again.trainer.resume(folder / nn::kLastCheckpoint);
  again.trainer.run();
  CHECK(again.numbers() == whole.numbers());
}

TEST_CASE("a checkpoint loads as a model with the averaged weights, or with those of the last step if asked") {
  const TemporaryFolder folder;
  TrainingRun run(options_in(folder), kAdam);
  run.trainer.run();
  nn::Model model(TrainingRun::model_config(R"({"type": "linear", "name": "fc1", "out": 8})"), {2}, 99);
  const nn::SafetensorsReader file(folder / nn::kLastCheckpoint);
  const auto first_weight = [&] { return model.parameters()[0].variable.value().data()[0]; };
  nn::load_model(file, model);
  CHECK(first_weight() == run.model.parameters()[0].variable.value().data()[0]);
  nn::load_model(file, model, false);
  CHECK(first_weight() == file.tensor("fc1.weight").data()[0]);
  CHECK(first_weight() != run.model.parameters()[0].variable.value().data()[0]);
}

TEST_CASE("a checkpoint of another model or optimizer is refused, naming the first tensor and both shapes") {
  const TemporaryFolder folder;
  TrainingRun run(options_in(folder, 1), kAdam);
  run.trainer.run();
  TrainingRun wider(options_in(folder), kAdam, R"({"type": "linear", "name": "fc1", "out": 9})");
  CHECK_THROWS_WITH_AS(wider.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains(R"(tensor "fc1.weight" is F32 [8, 2] in the file and [9, 2] in the model)"),
                       core::CheckpointError);
  TrainingRun renamed(options_in(folder), kAdam, R"({"type": "linear", "name": "first", "out": 8})");
  CHECK_THROWS_WITH_AS(renamed.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains(R"(has no tensor "first.weight" [8, 2])"), core::CheckpointError);
}

TEST_CASE("a checkpoint of another optimizer is refused by its type, adam for adamw too, or else by its tensors") {
  const TemporaryFolder folder;
  TrainingRun run(options_in(folder, 1), kAdam);
  run.trainer.run();
  const std::filesystem::path old = without_optimizer(folder);
  TrainingRun sgd(options_in(folder), TrainingRun::kSgd), adamw(options_in(folder), R"({"type": "adamw"})");
  CHECK_THROWS_WITH_AS(sgd.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains("the optimizer adam, which cannot go on with sgd"), core::CheckpointError);
  CHECK_THROWS_WITH_AS(adamw.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains("the optimizer adam, which cannot go on with adamw"), core::CheckpointError);
  CHECK_THROWS_WITH_AS(sgd.trainer.resume(old), doctest::Contains("fc1.weight/momentum"), core::CheckpointError);
  adamw.trainer.resume(old);  // it cannot be told from adam's
  TrainingRun same(options_in(folder), kAdam), now(options_in(folder), kAdam);
  same.trainer.resume(old);
  now.trainer.resume(folder / nn::kLastCheckpoint);
  CHECK(same.numbers() == now.numbers());
}

TEST_CASE("a checkpoint with more than this training keeps is refused: a second state, or an average of the weights") {
  const TemporaryFolder folder;
  TrainingRun rmsprop({.epochs = 1, .checkpoints = folder.path()}, R"({"type": "rmsprop"})");
  rmsprop.trainer.run();
  TrainingRun sgd({.epochs = 2}, TrainingRun::kSgd);
  CHECK_THROWS_WITH_AS(
      sgd.trainer.resume(without_optimizer(folder)),
      doctest::Contains(R"("optimizer/fc1.weight/mean_square" F32 [8, 2] that this training does not keep)"),
      core::CheckpointError);
  TrainingRun averaged(options_in(folder, 1), kAdam), plain({.epochs = 2}, kAdam);
  averaged.trainer.run();
  CHECK_THROWS_WITH_AS(plain.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains(R"("average/fc1.weight" F32 [8, 2] that this training does not keep)"),
                       core::CheckpointError);
}

TEST_CASE("a refused checkpoint leaves weights, optimizer and counters as they were") {
  const TemporaryFolder folder;
  TrainingRun run({.epochs = 1, .checkpoints = folder.path()}, kAdam);  // without the average that is asked for below
  run.trainer.run();
  TrainingRun refused(options_in(folder), kAdam), untouched(options_in(folder), kAdam);
  CHECK_THROWS_WITH_AS(refused.trainer.resume(folder / nn::kLastCheckpoint), doctest::Contains("average/fc1.weight"),
                       core::CheckpointError);
  CHECK(refused.numbers() == untouched.numbers());
  CHECK(refused.optimizer->steps() == 0);
  CHECK(refused.trainer.state().step == 0);
}

TEST_CASE("a run in bf16 is resumed to the bits of an uninterrupted one, which are not those of float32") {
  const TemporaryFolder folder, elsewhere;
  const auto in_bf16 = [](nn::TrainerOptions options) {
    options.precision = core::Precision::kBf16;
    return options;
  };
  TrainingRun whole(in_bf16(options_in(elsewhere)), kAdam), plain(options_in(elsewhere), kAdam);
  whole.trainer.run();
  plain.trainer.run();
  CHECK(whole.numbers() != plain.numbers());
  run_and_interrupt(in_bf16(options_in(folder)), 8);
  TrainingRun resumed(in_bf16(options_in(folder)), kAdam);
  resumed.trainer.resume(folder / nn::kLastCheckpoint);
  resumed.trainer.run();
  CHECK(resumed.numbers() == whole.numbers());
}

TEST_CASE("a checkpoint of another precision is refused, naming both") {
  const TemporaryFolder folder;
  nn::TrainerOptions bf16 = options_in(folder);
  bf16.precision = core::Precision::kBf16;
  run_and_interrupt(bf16, 3);
  TrainingRun plain(options_in(folder), kAdam);
  CHECK_THROWS_WITH_AS(plain.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains("training in bf16, which cannot go on in float32"), core::CheckpointError);
  run_and_interrupt(options_in(folder), 3);
  TrainingRun rounded(bf16, kAdam);
  CHECK_THROWS_WITH_AS(rounded.trainer.resume(folder / nn::kLastCheckpoint),
                       doctest::Contains("training in float32, which cannot go on in bf16"), core::CheckpointError);
}

TEST_CASE("training ends `patience` epochs after the last improvement") {
  TrainingRun run({.epochs = 50, .patience = 2, .min_delta = 10});  // nothing can improve by 10
  const nn::TrainingState& state = run.trainer.run();
  CHECK(state.stopped_early);
  CHECK(state.best_epoch == 1);
  CHECK(state.history.size() == 3);
}

TEST_CASE("the best checkpoint is of the epoch whose watched score was first not surpassed") {
  const TemporaryFolder folder;
  TrainingRun run({.epochs = 8, .watch = nn::Watch::kLoss, .checkpoints = folder.path()});
  const nn::TrainingState& state = run.trainer.run();
  std::int64_t best = 1;
  for (const nn::EpochRecord& record : state.history) {
    if (record.validation->loss < state.history[static_cast<std::size_t>(best - 1)].validation->loss)
      best = record.epoch;
  }
  CHECK(state.best_epoch == best);
  TrainingRun kept({.epochs = 8});
  kept.trainer.resume(folder / nn::kBestCheckpoint);
  CHECK(kept.trainer.state().epoch == best);
}

TEST_CASE("a run killed before its last checkpoint of an epoch has the best one of that epoch already") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "last.safetensors.tmp");  // where the last checkpoint would be written
  TrainingRun run({.epochs = 1, .checkpoints = folder.path()});
  CHECK_THROWS_AS(run.trainer.run(), core::FileError);
  TrainingRun kept({.epochs = 1});
  kept.trainer.resume(folder / nn::kBestCheckpoint);
  CHECK(kept.trainer.state().best_epoch == 1);
}

TEST_CASE("a loss that is not a number stops training, names step and node, and keeps the last good checkpoint") {
  const TemporaryFolder folder;
  TrainingRun run({.epochs = 10, .checkpoints = folder.path()});
  run.trainer.on_epoch = [&](const nn::EpochRecord& record) {
    if (record.epoch == 2) run.train.scale = 1e39;  // beyond float: the inputs become infinite
  };
  try {
    run.trainer.run();
    FAIL("a loss that is not a number went unnoticed");
  } catch (const core::NumericError& error) {
    CHECK(error.step() == 12);
    CHECK(error.where() == "fc1: linear, input 0");
    CHECK(std::string(error.what()).find("lower the learning rate") != std::string::npos);
  }
  TrainingRun kept({.epochs = 10});
  kept.trainer.resume(folder / nn::kLastCheckpoint);
  CHECK(kept.trainer.state().epoch == 2);
}

TEST_CASE("a node inside of the model that overflows first is named with its layer") {
  TrainingRun run;
  run.train.scale = 1e25;
  run.model.parameters()[2].variable.mutable_value() = core::Tensor::full({3, 8}, Scalar{1e30F});
  CHECK_THROWS_WITH_AS(run.trainer.run(), doctest::Contains("step 0: fc2"), core::NumericError);
}

TEST_CASE("what a layer refuses in training is told with the step and with what to do about it") {
  TrainingRun run;
  nn::Trainer trainer({.model = run.model,
                       .optimizer = *run.optimizer,
                       .train = run.train,
                       .validation = nullptr,
                       .objective =
                           [steps = 0](const core::Variable& outputs, const core::Batch&) mutable {
                             if (++steps == 4) throw core::NumericError("fc1.weight", -1, "is out of bounds");
                             return core::sum(outputs);
                           }},
                      {.epochs = 1});
  CHECK_THROWS_WITH_AS(trainer.run(),
                       "step 3: fc1.weight: is out of bounds (if training diverged: lower the learning rate, or set "
                       "optimizer.clip_norm)",
                       core::NumericError);
}

TEST_CASE("a learning rate that blows the weights up is told by the parameter's name") {
  TrainingRun run({}, R"({"type": "sgd", "learning_rate": 1e38})");
  try {
    run.trainer.run();
    FAIL("infinite weights went unnoticed");
  } catch (const core::NumericError& error) {
    CHECK(error.step() >= 1);
    INFO(error.what());
    CHECK(error.where().find("fc") == 0);
  }
}

TEST_CASE("schedules set their numbers before each step from the fraction of the epoch that is done") {
  TrainingRun run;
  nn::Optimizer& optimizer = *run.optimizer;
  double& rate = core::find_number([&](core::FieldVisitor& v) { optimizer.fields(v); }, "learning_rate");
  const nn::ScheduleRegistry& registry = nn::ScheduleRegistry::builtin();
  nn::Trainer trainer({.model = run.model,
                       .optimizer = optimizer,
                       .train = run.train,
                       .objective = [&](const core::Variable& outputs,
                                        const core::Batch& batch) { return (*run.loss)(outputs, batch.labels); },
                       .schedules = {{registry.make(*configured(registry, R"({"type": "linear", "to": 0})")), &rate}}},
                      {.epochs = 2});
  std::vector<double> rates;
  trainer.on_step = [&](const nn::StepReport&) { rates.push_back(rate); };
  const nn::TrainingState& state = trainer.run();
  REQUIRE(rates.size() == 12);
  for (std::size_t step = 0; step < 12; ++step) {
    CHECK(rates[step] == doctest::Approx(0.1 * (1 - static_cast<double>(step) / 12)));
  }
  CHECK(state.history.back().numbers.at("optimizer.learning_rate") == rates.back());
}

TEST_CASE("an epoch keeps the steepness it was trained at, whatever is said of it later") {
  double base = 4;
  TrainingRun run({.epochs = 2, .soft_temperature = [&base](std::int64_t epoch) {
                     return std::optional(base * static_cast<double>(epoch + 1));
                   }});
  run.trainer.on_epoch = [&base](const nn::EpochRecord&) { base = 100; };
  const nn::TrainingState& state = run.trainer.run();
  CHECK(state.history[0].soft_temperature == 4.0);
  CHECK(state.history[1].soft_temperature == 200.0);
  for (const nn::EpochRecord& record : state.history) {
    CHECK(record.validation->soft_accuracy == record.validation->accuracy);  // of a model without soft forms
  }
  const nn::TrainingState back = nn::training_state_from_json(nn::to_json(state), "test");
  CHECK(back.history[0].soft_temperature == 4.0);
  CHECK(back.history[0].validation->soft_accuracy == state.history[0].validation->soft_accuracy);
  TrainingRun none({.epochs = 1, .soft_temperature = [](std::int64_t) { return std::optional<double>(); }});
  CHECK_FALSE(none.trainer.run().history[0].validation->soft_accuracy);
}

// Closed form: of the 53 samples those whose number three divides, 18, are of class 0.
TEST_CASE("the gap of an epoch is the accuracy of the soft form less that of the hard one") {
  TrainingRun run({.epochs = 5, .soft_temperature = [](std::int64_t) { return std::optional(1.0); }});
  for (nn::Site* site : run.model.sites()) {
    if (site->name == "fc2.output") site->transform = std::make_shared<SoftlyFirst>();
  }
  const nn::ValidationScores scores = *run.trainer.run().history.back().validation;
  CHECK(scores.accuracy > 0.6);
  REQUIRE(scores.soft_gap());
  CHECK(*scores.soft_accuracy == doctest::Approx(18.0 / 53));
  CHECK(*scores.soft_gap() == doctest::Approx(18.0 / 53 - (1 - static_cast<double>(scores.errors) / 53)));
  CHECK(*scores.soft_gap() < -0.2);
  CHECK_FALSE(nn::ValidationScores{}.soft_gap());
}

TEST_CASE("after the first epoch a step takes no tensor storage from the system") {
  TrainingRun run({.epochs = 4, .weight_average = 0.9}, kAdam);
  std::int64_t after_two_epochs = 0, at_end = 0;
  run.trainer.on_step = [&](const nn::StepReport& report) {
    at_end = core::allocator_stats().system_allocations;
    if (report.epoch == 2) after_two_epochs = at_end;
  };
  run.trainer.run();
  CHECK(at_end == after_two_epochs);
}

TEST_CASE("an epoch whose validation is all a resumed run still has to do records the numbers of its last step") {
  const TemporaryFolder folder;
  const nn::ScheduleRegistry& registry = nn::ScheduleRegistry::builtin();
  const auto rate_after = [&](nn::TrainerOptions options, std::int64_t interrupt_at, bool resume) {
    double rate = 1;
    TrainingRun parts;
    std::atomic<bool> interrupt{false};
    options.interrupt = &interrupt;
    nn::Trainer trainer(
        {.model = parts.model,
         .optimizer = *parts.optimizer,
         .train = parts.train,
         .objective = [&](const core::Variable& outputs,
                          const core::Batch& batch) { return (*parts.loss)(outputs, batch.labels); },
         .schedules = {{registry.make(*configured(registry, R"({"type": "linear", "to": 0})")), &rate}}},
        options);
    trainer.on_step = [&](const nn::StepReport& report) { interrupt = report.step == interrupt_at; };
    if (resume) trainer.resume(folder / nn::kLastCheckpoint);
    if (interrupt_at > 0) {
      CHECK_THROWS_AS(trainer.run(), core::Interrupted);
      return 0.0;
    }
    const double first = trainer.run().history.front().numbers.at("optimizer.learning_rate");
    CHECK(rate == doctest::Approx(1 - 11.0 / 12));  // the last batch of all
    return first;
  };
  const double uninterrupted = rate_after({.epochs = 2}, 0, false);
  CHECK(uninterrupted == doctest::Approx(1 - 5.0 / 12));  // the sixth batch of twelve
  rate_after({.epochs = 2, .checkpoints = folder.path()}, 6, false);
  CHECK(rate_after({.epochs = 2, .checkpoints = folder.path()}, 0, true) == uninterrupted);
  CHECK(rate_after({.epochs = 2, .checkpoints = folder.path()}, 0, true) == uninterrupted);  // with nothing left to do
}
