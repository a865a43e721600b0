#include "tempera/apps/experiment/experiment_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace tempera::cli {
namespace {

using namespace std::string_view_literals;

constexpr std::array kAnalyses{"temperature"sv};

// The name becomes part of a folder's name.
bool is_plain_name(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, plain) && name.front() != '.' &&
         name.front() != '-';
}

}  // namespace

void EarlyStoppingConfig::fields(core::FieldVisitor& v) {
  v.field("patience", patience,
          {.help = "epochs without improvement after which training ends", .unit = "epochs", .min = 1});
  v.field("min_delta", min_delta, {.help = "a smaller change is no improvement", .min = 0});
  v.choice("watch", watch, std::array{"loss"sv, "accuracy"sv}, {.help = "what must improve on the validation set"});
}

void TrainSection::fields(core::FieldVisitor& v) {
  v.field("epochs", epochs, {.help = "passes over the training set", .unit = "epochs", .min = 0, .max = 1e6});
  v.field("batch", batch, {.help = "samples in one optimizer step", .unit = "samples", .min = 1, .max = 1e6});
  v.choice("precision", precision, std::array{"float32"sv, "bf16"sv},
           {.help = "what products of a training step multiply: bf16 rounds the operands of linear layers and "
                    "convolutions, forward and backward, to bfloat16 and adds up in float32; weights, all else and "
                    "evaluation stay float32"});
  v.field(
      "initial", initial,
      {.help =
           "a run folder or model file whose weights training starts from, as a path from the folder that tempera is "
           "run in; not set: from the layers' initialisers"});
  v.field("drop_last", drop_last, {.help = "leave out the last batch of an epoch when it is smaller than the others"});
  v.field("weight_average", weight_average,
          {.help = "decay of an exponential moving average of the weights, which is what is evaluated and saved",
           .min = 0,
           .max = kMostBelowOne});
  v.object("early_stopping", early_stopping, {.help = "end training when the validation set no longer improves"});
  v.field("checkpoint_seconds", checkpoint_seconds,
          {.help = "longest time between two checkpoints; one is written after each epoch in any case",
           .unit = "seconds",
           .min = 1,
           .max = 86400});
}

ExperimentConfig::ExperimentConfig(const Registry& registry)
    : loss(registry.losses().create("cross_entropy")),
      optimizer(registry.optimizers().create("sgd")),
      schedule(registry.schedules().create("constant")),
      registry_(&registry) {
  model.registry = &registry.layers();
}

bool ExperimentConfig::wants(Analysis analysis) const {
  return std::ranges::find(analyses, kAnalyses[static_cast<std::size_t>(analysis)]) != analyses.end();
}

// The quantizers come from the program's own registry, which a section that is made anew has to be told.
void ExperimentConfig::quantization_fields(core::FieldVisitor& v) {
  bool present = quantization.has_value();
  quant::QuantizationConfig section = std::move(quantization).value_or(quant::QuantizationConfig{});
  section.registry = &registry_->quantizers();
  v.object("quantization", [&section](core::FieldVisitor& inner) { section.fields(inner); }, &present,
           {.help = "numbers of few bits: what is rounded where, and when"});
  quantization.reset();
  if (present) quantization = std::move(section);
}

void ExperimentConfig::fields(core::FieldVisitor& v) {
  v.field("name", name, {.help = "name of the run folder and in reports: letters, digits, '-', '_' and '.'"});
  // Here, where no mistake in another field keeps it from being judged.
  v.rule(
      is_plain_name(name), "name",
      fmt::format("must be up to 100 letters, digits, '-', '_' or '.', not beginning with '.' or '-', received \"{}\"",
                  name));
  v.field("seed", seed, {.help = "of initialisation, order of samples, dropout and augmentation", .min = 0});
  v.object("data", data, {.help = "the set to learn from"});
  v.object("model", model, {.help = "the network"});
  v.typed("loss", registry_->losses(), loss, {.help = "what training makes small"});
  v.typed("optimizer", registry_->optimizers(), optimizer, {.help = "how weights move along their gradients"});
  v.typed("schedule", registry_->schedules(), schedule,
          {.help = "course of the learning rate, or of another number that its target names"});
  v.typed_list("schedules", registry_->schedules(), schedules,
               {.help = "further numbers that change while training, each with its target"});
  v.object("train", train, {.help = "the training loop"});
  quantization_fields(v);
  v.object("lower", lower,
           {.help = "make a program of integers of the trained network, and prove that it is the same"});
  v.field("analyses", analyses, {.help = "what is computed after training: temperature"});
  v.object("temperature", temperature, {.help = "options of the analysis \"temperature\""});
  v.object("study", study, {.help = "one run for every combination of what is varied"});
  for (const std::string& analysis : analyses) {
    v.rule(std::ranges::find(kAnalyses, analysis) != kAnalyses.end(), "analyses",
           fmt::format("knows only \"temperature\", received \"{}\"", analysis));
  }
  v.rule(!train.early_stopping || data.validation != 0, "train",
         "early_stopping needs a validation set (data.validation > 0)");
  v.rule(
      train.precision == core::Precision::kFloat32 || !quantization || quantization->when != quant::When::kAware,
      "train",
      "precision bf16 would round the values of quantizers a second time while they are trained, and what is learned "
      "would not be what is shipped; use float32, or quantization.when \"after\"");
  v.rule(!lower || quantization, "lower", "needs a section \"quantization\": integers stand for numbers on a grid");
  v.rule(!lower || !quantization || !quantization->dynamic(), "lower",
         "makes a program of integers alone, but a rule of \"quantization\" is dynamic: its scales are floats found at "
         "run "
         "time (leave \"lower\" out: a dynamic network runs on integers without it)");
  v.rule(loss.get() != nullptr && optimizer.get() != nullptr && schedule.get() != nullptr, "loss",
         "loss, optimizer and schedule cannot be null");
}

}  // namespace tempera::cli
