#include "tempera/nn/training_state.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tempera/core/config/json_fault.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::nn {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const EpochRecord& r) {
  ordered_json record = {{"epoch", r.epoch}, {"steps", r.steps}};
  record["train"] = {{"loss", r.train.loss}, {"accuracy", r.train.accuracy}};
  if (r.validation) {
    record["validation"] = {{"loss", r.validation->loss},
                            {"accuracy", r.validation->accuracy},
                            {"errors", r.validation->errors},
                            {"nll", r.validation->nll},
                            {"ece", r.validation->ece}};
    if (r.validation->soft_accuracy) record["validation"]["soft_accuracy"] = *r.validation->soft_accuracy;
  }
  if (!r.numbers.empty()) record["numbers"] = r.numbers;
  if (r.soft_temperature) record["soft_temperature"] = *r.soft_temperature;
  record["seconds"] = r.seconds;
  record["samples_per_second"] = r.samples_per_second;
  record["best"] = r.best;
  return record;
}

EpochRecord record_from(const ordered_json& record) {
  EpochRecord r;
  r.epoch = record.at("epoch").get<std::int64_t>();
  r.steps = record.at("steps").get<std::int64_t>();
  r.train = {record.at("train").at("loss").get<double>(), record.at("train").at("accuracy").get<double>()};
  if (record.contains("validation")) {
    const ordered_json& v = record.at("validation");
    ValidationScores& scores = r.validation.emplace();
    scores.loss = v.at("loss").get<double>();
    scores.accuracy = v.at("accuracy").get<double>();
    scores.errors = v.at("errors").get<std::int64_t>();
    scores.nll = v.at("nll").get<double>();
    scores.ece = v.at("ece").get<double>();
    if (v.contains("soft_accuracy")) scores.soft_accuracy = v.at("soft_accuracy").get<double>();
  }
  if (record.contains("numbers")) r.numbers = record.at("numbers").get<std::map<std::string, double>>();
  if (record.contains("soft_temperature")) r.soft_temperature = record.at("soft_temperature").get<double>();
  r.seconds = record.at("seconds").get<double>();
  r.samples_per_second = record.at("samples_per_second").get<double>();
  r.best = record.at("best").get<bool>();
  return r;
}

// Numbers that no training leaves behind. An epoch whose batches are done and whose validation is not counts as begun.
void check_counts(const TrainingState& s, const std::string& file) {
  const auto require = [&](bool possible, std::string_view rule) {
    if (!possible) throw core::CheckpointError(file, fmt::format("its training state is impossible: {}", rule));
  };
  require(s.epoch >= 0 && s.batch >= 0 && s.step >= 0, "epoch, batch and step must not be below 0");
  require(s.step >= s.batch && s.step >= s.epoch, "there are no fewer steps than epochs, or than batches of this one");
  require(s.epoch == std::ssize(s.history), "there is a record of every epoch that is done");
  require(s.best_epoch >= 0 && s.best_epoch <= s.epoch, "the best epoch is one of those that are done");
  require(s.sums.samples >= 0 && s.sums.correct >= 0 && s.sums.correct <= s.sums.samples,
          "of the samples seen in an epoch none to all are recognized");
}

}  // namespace

std::string to_json(const EpochRecord& record) { return json_of(record).dump(); }

std::string to_json(const TrainingState& state) {
  ordered_json record = {{"epoch", state.epoch}, {"batch", state.batch}, {"step", state.step}};
  record["sums"] = {{"loss", state.sums.loss},
                    {"correct", state.sums.correct},
                    {"samples", state.sums.samples},
                    {"seconds", state.sums.seconds}};
  record["best"] = state.best ? ordered_json(*state.best) : ordered_json();
  record["best_epoch"] = state.best_epoch;
  record["stopped_early"] = state.stopped_early;
  record["history"] = ordered_json::array();
  for (const EpochRecord& epoch : state.history) record["history"].push_back(json_of(epoch));
  return record.dump();
}

TrainingState training_state_from_json(const std::string& text, const std::string& file) {
  try {
    const ordered_json record = ordered_json::parse(text);
    TrainingState state;
    state.epoch = record.at("epoch").get<std::int64_t>();
    state.batch = record.at("batch").get<std::int64_t>();
    state.step = record.at("step").get<std::int64_t>();
    const ordered_json& sums = record.at("sums");
    state.sums = {sums.at("loss").get<double>(), sums.at("correct").get<std::int64_t>(),
                  sums.at("samples").get<std::int64_t>(), sums.at("seconds").get<double>()};
    if (!record.at("best").is_null()) state.best = record.at("best").get<double>();
    state.best_epoch = record.at("best_epoch").get<std::int64_t>();
    state.stopped_early = record.at("stopped_early").get<bool>();
    for (const ordered_json& epoch : record.at("history")) state.history.push_back(record_from(epoch));
    check_counts(state, file);
    return state;
  } catch (const ordered_json::exception& error) {
    throw core::CheckpointError(file,
                                fmt::format("its training state is damaged: {}", core::json_explanation(error.what())));
  }
}

}  // namespace tempera::nn
