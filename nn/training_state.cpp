#include "tempera/nn/training_state.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tempera/core/errors.hpp"

namespace tempera::nn {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const EpochRecord& r) {
  ordered_json json = {{"epoch", r.epoch}, {"steps", r.steps}};
  json["train"] = {{"loss", r.train.loss}, {"accuracy", r.train.accuracy}};
  if (r.validation) {
    json["validation"] = {{"loss", r.validation->loss},
                          {"accuracy", r.validation->accuracy},
                          {"errors", r.validation->errors},
                          {"nll", r.validation->nll},
                          {"ece", r.validation->ece}};
    if (r.validation->soft_accuracy) json["validation"]["soft_accuracy"] = *r.validation->soft_accuracy;
  }
  if (!r.numbers.empty()) json["numbers"] = r.numbers;
  if (r.soft_temperature) json["soft_temperature"] = *r.soft_temperature;
  json["seconds"] = r.seconds;
  json["samples_per_second"] = r.samples_per_second;
  json["best"] = r.best;
  return json;
}

EpochRecord record_from(const ordered_json& json) {
  EpochRecord r;
  r.epoch = json.at("epoch").get<std::int64_t>();
  r.steps = json.at("steps").get<std::int64_t>();
  r.train = {json.at("train").at("loss").get<double>(), json.at("train").at("accuracy").get<double>()};
  if (json.contains("validation")) {
    const ordered_json& v = json.at("validation");
    ValidationScores& scores = r.validation.emplace();
    scores.loss = v.at("loss").get<double>();
    scores.accuracy = v.at("accuracy").get<double>();
    scores.errors = v.at("errors").get<std::int64_t>();
    scores.nll = v.at("nll").get<double>();
    scores.ece = v.at("ece").get<double>();
    if (v.contains("soft_accuracy")) scores.soft_accuracy = v.at("soft_accuracy").get<double>();
  }
  if (json.contains("numbers")) r.numbers = json.at("numbers").get<std::map<std::string, double>>();
  if (json.contains("soft_temperature")) r.soft_temperature = json.at("soft_temperature").get<double>();
  r.seconds = json.at("seconds").get<double>();
  r.samples_per_second = json.at("samples_per_second").get<double>();
  r.best = json.at("best").get<bool>();
  return r;
}

}  // namespace

std::string to_json(const EpochRecord& record) { return json_of(record).dump(); }

std::string to_json(const TrainingState& state) {
  ordered_json json = {{"epoch", state.epoch}, {"batch", state.batch}, {"step", state.step}};
  json["sums"] = {{"loss", state.sums.loss},
                  {"correct", state.sums.correct},
                  {"samples", state.sums.samples},
                  {"seconds", state.sums.seconds}};
  json["best"] = state.best ? ordered_json(*state.best) : ordered_json();
  json["best_epoch"] = state.best_epoch;
  json["stopped_early"] = state.stopped_early;
  json["history"] = ordered_json::array();
  for (const EpochRecord& record : state.history) json["history"].push_back(json_of(record));
  return json.dump();
}

TrainingState training_state_from_json(const std::string& text, const std::string& file) {
  try {
    const ordered_json json = ordered_json::parse(text);
    TrainingState state;
    state.epoch = json.at("epoch").get<std::int64_t>();
    state.batch = json.at("batch").get<std::int64_t>();
    state.step = json.at("step").get<std::int64_t>();
    const ordered_json& sums = json.at("sums");
    state.sums = {sums.at("loss").get<double>(), sums.at("correct").get<std::int64_t>(),
                  sums.at("samples").get<std::int64_t>(), sums.at("seconds").get<double>()};
    if (!json.at("best").is_null()) state.best = json.at("best").get<double>();
    state.best_epoch = json.at("best_epoch").get<std::int64_t>();
    state.stopped_early = json.at("stopped_early").get<bool>();
    for (const ordered_json& record : json.at("history")) state.history.push_back(record_from(record));
    return state;
  } catch (const ordered_json::exception& error) {
    throw core::CheckpointError(file, fmt::format("its training state is damaged: {}", error.what()));
  }
}

}  // namespace tempera::nn
