// summary.json and metrics.jsonl.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/proof_json.hpp"
#include "tempera/apps/report/repairs.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json scores_json(const Scores& scores) {
  return {{"n", scores.n},       {"errors", scores.errors}, {"accuracy", scores.accuracy},
          {"loss", scores.loss}, {"nll", scores.nll},       {"ece", scores.ece}};
}

Scores scores_from(const JsonNode& node) {
  Scores out;
  out.n = node.member("n").integer();
  out.errors = node.member("errors").integer();
  out.accuracy = node.member("accuracy").number();
  out.loss = node.member("loss").number();
  out.nll = node.member("nll").number();
  out.ece = node.member("ece").number();
  return out;
}

DataFacts data_from(const JsonNode& node) {
  DataFacts out;
  out.requested = node.member("requested").text();
  out.used = node.member("used").text();
  out.fallback = node.member("fallback").boolean();
  out.train = node.member("train").integer();
  out.validation = node.member("validation").integer();
  out.test = node.member("test").integer();
  out.sha256 = node.member("sha256").text();
  return out;
}

ModelFacts model_from(const JsonNode& node) {
  ModelFacts out;
  out.parameters = node.member("parameters").integer();
  out.multiply_adds = node.member("multiply_adds").integer();
  for (const auto& [name, count] : node.at("bytes").members()) out.bytes[name] = count.integer();
  if (node.has("bits")) {
    for (const auto& [name, count] : node.at("bits").members()) out.bits[name] = count.number();
  }
  return out;
}

TrainingFacts training_from(const JsonNode& node) {
  TrainingFacts out;
  out.epochs = node.member("epochs").integer();
  out.steps = node.member("steps").integer();
  out.seconds = node.member("seconds").number();
  out.samples_per_second = node.member("samples_per_second").number();
  out.rounded = node.has("rounded") && node.at("rounded").boolean();  // not in the files of earlier versions
  return out;
}

SplitMetrics split_from(const JsonNode& node) {
  SplitMetrics out;
  out.loss = node.member("loss").number();
  out.accuracy = node.member("accuracy").number();
  return out;
}

EpochMetrics epoch_from(const json& line, const std::string& place) {
  const JsonNode node(line, place);
  EpochMetrics out;
  out.epoch = node.at("epoch").integer();
  out.step = node.at("step").integer();
  out.learning_rate = node.member("learning_rate").number();
  out.seconds = node.member("seconds").number();
  out.samples_per_second = node.member("samples_per_second").number();
  out.train = split_from(node.at("train"));
  out.validation = split_from(node.at("validation"));
  if (!node.has("extra")) return out;
  for (const auto& [name, value] : node.at("extra").members()) out.extra[name] = value.number();
  return out;
}

}  // namespace

std::string summary_text(const Summary& summary) {
  const DataFacts& data = summary.data;
  // Scripts rely on the three modes being there, measured or not.
  ordered_json results = {
      {"float", ordered_json::object()}, {"fake_quant", ordered_json::object()}, {"integer", ordered_json::object()}};
  for (const auto& [mode, splits] : summary.results) {
    for (const auto& [split, scores] : splits) results[mode][split] = scores_json(scores);
  }
  ordered_json document = {{"format", kFormatVersion},
                           {"name", summary.name},
                           {"status", summary.status},
                           {"data",
                            {{"requested", data.requested},
                             {"used", data.used},
                             {"fallback", data.fallback},
                             {"train", data.train},
                             {"validation", data.validation},
                             {"test", data.test},
                             {"sha256", data.sha256}}},
                           {"model",
                            {{"parameters", summary.model.parameters},
                             {"multiply_adds", summary.model.multiply_adds},
                             {"bytes", summary.model.bytes},
                             {"bits", summary.model.bits}}},
                           {"results", results},
                           {"training",
                            {{"epochs", summary.training.epochs},
                             {"steps", summary.training.steps},
                             {"seconds", summary.training.seconds},
                             {"samples_per_second", summary.training.samples_per_second},
                             {"rounded", summary.training.rounded}}}};
  if (!summary.overflows.empty()) document["overflows"] = summary.overflows;
  if (summary.repairs.any()) document["calibration"] = repairs_json(summary.repairs);
  if (summary.verification.done) document["verification"] = proof_json(summary.verification);
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Summary parse_summary(std::string_view text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonNode node(document, file);
  node.expect_format();
  Summary out;
  out.name = node.at("name").text();
  out.status = node.member("status").text();
  out.data = data_from(node.at("data"));
  out.model = model_from(node.at("model"));
  out.training = training_from(node.at("training"));
  if (node.has("overflows")) {
    for (const auto& [site, count] : node.at("overflows").members()) out.overflows[site] = count.integer();
  }
  if (node.has("calibration")) out.repairs = repairs_from(node.at("calibration"));
  if (node.has("verification")) out.verification = proof_from(node.at("verification"));
  for (const auto& [mode, splits] : node.at("results").members()) {
    for (const auto& [split, scores] : splits.members()) out.results[mode][split] = scores_from(scores);
  }
  return out;
}

std::string metrics_line(const EpochMetrics& metrics) {
  ordered_json line = {{"epoch", metrics.epoch},
                       {"step", metrics.step},
                       {"train", {{"loss", metrics.train.loss}, {"accuracy", metrics.train.accuracy}}},
                       {"validation", {{"loss", metrics.validation.loss}, {"accuracy", metrics.validation.accuracy}}},
                       {"learning_rate", metrics.learning_rate},
                       {"seconds", metrics.seconds},
                       {"samples_per_second", metrics.samples_per_second}};
  if (!metrics.extra.empty()) line["extra"] = metrics.extra;
  return line.dump() + "\n";
}

std::vector<EpochMetrics> parse_metrics(std::string_view text, const std::string& file, std::string* cut) {
  std::vector<EpochMetrics> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const bool ended = line.size() < text.size();
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = fmt::format("{}:{}", file, number);
    if (cut != nullptr && !ended && !json::accept(line)) {
      *cut = place + ": the last line is cut off, and left out";
      break;
    }
    out.push_back(epoch_from(parse_json(line, place), place));
  }
  return out;
}

}  // namespace tempera::cli::report
