// summary.json and metrics.jsonl.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/proof_json.hpp"
#include "tempera/apps/report/repairs.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::int64_t kFormat = 1;

ordered_json scores_json(const Scores& scores) {
  return {{"n", scores.n},       {"errors", scores.errors}, {"accuracy", scores.accuracy},
          {"loss", scores.loss}, {"nll", scores.nll},       {"ece", scores.ece}};
}

Scores scores_from(const JsonNode& node) {
  Scores out;
  node.read("n", out.n);
  node.read("errors", out.errors);
  node.read("accuracy", out.accuracy);
  node.read("loss", out.loss);
  node.read("nll", out.nll);
  node.read("ece", out.ece);
  return out;
}

DataFacts data_from(const JsonNode& node) {
  DataFacts out;
  node.read("requested", out.requested);
  node.read("used", out.used);
  node.read("fallback", out.fallback);
  node.read("train", out.train);
  node.read("validation", out.validation);
  node.read("test", out.test);
  node.read("sha256", out.sha256);
  return out;
}

ModelFacts model_from(const JsonNode& node) {
  ModelFacts out;
  node.read("parameters", out.parameters);
  node.read("multiply_adds", out.multiply_adds);
  if (node.has("bytes")) {
    for (const auto& [name, count] : node.at("bytes").members()) out.bytes[name] = count.integer();
  }
  if (node.has("bits")) {
    for (const auto& [name, count] : node.at("bits").members()) out.bits[name] = count.number();
  }
  return out;
}

TrainingFacts training_from(const JsonNode& node) {
  TrainingFacts out;
  node.read("epochs", out.epochs);
  node.read("steps", out.steps);
  node.read("seconds", out.seconds);
  node.read("samples_per_second", out.samples_per_second);
  return out;
}

SplitMetrics split_from(const JsonNode& node) {
  SplitMetrics out;
  node.read("loss", out.loss);
  node.read("accuracy", out.accuracy);
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
  ordered_json document = {{"format", kFormat},
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
                             {"samples_per_second", summary.training.samples_per_second}}}};
  if (!summary.overflows.empty()) document["overflows"] = summary.overflows;
  if (summary.repairs.any()) document["calibration"] = repairs_json(summary.repairs);
  if (summary.verification.done) document["verification"] = proof_json(summary.verification);
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Summary parse_summary(std::string_view text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonNode node(document, file);
  if (node.at("format").integer() != kFormat) node.at("format").fail("format 1");
  Summary out;
  out.name = node.at("name").text();
  node.read("status", out.status);
  if (node.has("data")) out.data = data_from(node.at("data"));
  if (node.has("model")) out.model = model_from(node.at("model"));
  if (node.has("training")) out.training = training_from(node.at("training"));
  if (node.has("overflows")) {
    for (const auto& [site, count] : node.at("overflows").members()) out.overflows[site] = count.integer();
  }
  if (node.has("calibration")) out.repairs = repairs_from(node.at("calibration"));
  if (node.has("verification")) out.verification = proof_from(node.at("verification"));
  if (!node.has("results")) return out;
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

std::vector<EpochMetrics> parse_metrics(std::string_view text, const std::string& file) {
  std::vector<EpochMetrics> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const json document = parse_json(line, fmt::format("{}:{}", file, number));
    const JsonNode node(document, fmt::format("{}:{}", file, number));
    EpochMetrics& metrics = out.emplace_back();
    metrics.epoch = node.at("epoch").integer();
    node.read("step", metrics.step);
    node.read("learning_rate", metrics.learning_rate);
    node.read("seconds", metrics.seconds);
    node.read("samples_per_second", metrics.samples_per_second);
    if (node.has("train")) metrics.train = split_from(node.at("train"));
    if (node.has("validation")) metrics.validation = split_from(node.at("validation"));
    if (!node.has("extra")) continue;
    for (const auto& [name, value] : node.at("extra").members()) metrics.extra[name] = value.number();
  }
  return out;
}

}  // namespace tempera::cli::report
