// evaluation.json and temperature.json.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tempera/apps/report/json_node.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/apps/version.hpp"

namespace tempera::cli::report {
namespace {

using nlohmann::json;

json wrong_json(const WrongSample& sample) {
  return {{"index", sample.index},
          {"label", sample.label},
          {"predicted", sample.predicted},
          {"probability", sample.probability},
          {"label_probability", sample.label_probability},
          {"picture", picture_json(sample.picture)}};
}

std::int64_t class_index(const JsonNode& node) {
  const std::int64_t index = node.integer();
  if (index < 0) node.fail("the number of a class, from 0");
  return index;
}

WrongSample wrong_from(const JsonNode& node) {
  WrongSample out;
  out.index = node.at("index").integer();
  out.label = class_index(node.at("label"));
  out.predicted = class_index(node.at("predicted"));
  out.probability = node.member("probability").number();
  out.label_probability = node.member("label_probability").number();
  out.picture = node.member("picture").picture();
  return out;
}

CalibrationBin bin_from(const JsonNode& node) {
  CalibrationBin out{node.at("lower").number(), node.at("upper").number(), node.at("count").integer()};
  out.confidence = node.member("confidence").number();
  out.accuracy = node.member("accuracy").number();
  return out;
}

json identities_json(const TemperatureStudy& study) {
  json logits = json::array();
  for (const LogitIdentity& identity : study.logit_identities) {
    logits.push_back({{"logit", identity.logit}, {"sigmoid", identity.sigmoid}, {"recovered", identity.recovered}});
  }
  json pairs = json::array();
  for (const PairIdentity& identity : study.pair_identities) {
    pairs.push_back({{"a", identity.a},
                     {"b", identity.b},
                     {"logit_a", identity.logit_a},
                     {"logit_b", identity.logit_b},
                     {"softmax", identity.softmax},
                     {"sigmoid", identity.sigmoid}});
  }
  return {{"logit_of_sigmoid", logits}, {"softmax_of_two", pairs}};
}

void read_identities(const JsonNode& node, TemperatureStudy& study) {
  for (const JsonNode& item : node.at("logit_of_sigmoid").items()) {
    LogitIdentity& identity = study.logit_identities.emplace_back();
    identity.logit = item.at("logit").number();
    identity.sigmoid = item.member("sigmoid").number();
    identity.recovered = item.member("recovered").number();  // null where the logit was too large to come back
  }
  for (const JsonNode& item : node.at("softmax_of_two").items()) {
    study.pair_identities.push_back({class_index(item.at("a")), class_index(item.at("b")), item.at("logit_a").number(),
                                     item.at("logit_b").number(), item.at("softmax").number(),
                                     item.at("sigmoid").number()});
  }
}

/// The matrix scripts find under "dark_knowledge": at the middle one of the temperatures (T = 4 of 1, 4, 20).
const DarkKnowledge* principal(const TemperatureStudy& study) {
  return study.dark_knowledge.empty() ? nullptr : &study.dark_knowledge[study.dark_knowledge.size() / 2];
}

void expect_lengths(const JsonNode& node, const TemperatureStudy& study) {
  const std::size_t count = study.temperatures.size();
  const std::size_t classes = study.logits.size();
  if (study.probabilities.size() != count) {
    node.at("probabilities").fail(fmt::format("one row for each of the {} temperatures", count));
  }
  if (!study.probabilities.empty() && study.probabilities.front().size() != classes) {
    node.at("probabilities").fail(fmt::format("rows of {} classes", classes));
  }
  for (const auto* values : {&study.entropy, &study.nll, &study.ece}) {
    if (!values->empty() && values->size() != count) {
      node.at("test").fail(fmt::format("one number for each of the {} temperatures", count));
    }
  }
}

}  // namespace

std::string evaluation_text(const Evaluation& evaluation) {
  json bins = json::array();
  for (const CalibrationBin& bin : evaluation.calibration) {
    bins.push_back({{"lower", bin.lower},
                    {"upper", bin.upper},
                    {"count", bin.count},
                    {"confidence", bin.confidence},
                    {"accuracy", bin.accuracy}});
  }
  json worst = json::array();
  for (const WrongSample& sample : evaluation.worst) worst.push_back(wrong_json(sample));
  return json_text({{"format", kFormatVersion},
                    {"split", evaluation.split},
                    {"mode", evaluation.mode},
                    {"classes", evaluation.classes},
                    {"confusion", evaluation.confusion},
                    {"calibration", bins},
                    {"worst", worst}},
                   false);
}

Evaluation parse_evaluation(std::string_view text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonNode node(document, file);
  node.expect_format();
  Evaluation out;
  out.split = node.member("split").text();
  out.mode = node.member("mode").text();
  out.classes = node.at("classes").texts();
  const std::vector<JsonNode> rows = node.at("confusion").items();
  for (const JsonNode& row : rows) {
    auto& counts = out.confusion.emplace_back();
    for (const JsonNode& item : row.items()) counts.push_back(item.integer());
    if (counts.size() != rows.size()) row.fail(fmt::format("a row of {} counts (a square matrix)", rows.size()));
  }
  for (const JsonNode& bin : node.at("calibration").items()) out.calibration.push_back(bin_from(bin));
  for (const JsonNode& sample : node.at("worst").items()) out.worst.push_back(wrong_from(sample));
  return out;
}

std::string temperature_text(const TemperatureStudy& study) {
  json by_temperature = json::array();
  for (const DarkKnowledge& entry : study.dark_knowledge) {
    by_temperature.push_back({{"temperature", entry.temperature}, {"matrix", entry.matrix}});
  }
  const DarkKnowledge* middle = principal(study);
  json document = {{"format", kFormatVersion},
                   {"sample",
                    {{"index", study.sample_index},
                     {"label", study.sample_label},
                     {"logits", study.logits},
                     {"picture", picture_json(study.picture)}}},
                   {"temperatures", study.temperatures},
                   {"probabilities", study.probabilities},
                   {"test", {{"entropy", study.entropy}, {"nll", study.nll}, {"ece", study.ece}}},
                   {"best_temperature", study.best_temperature},
                   {"dark_knowledge", middle != nullptr ? json(middle->matrix) : json::array()},
                   {"dark_knowledge_temperature", middle != nullptr ? json(middle->temperature) : json(nullptr)},
                   {"dark_knowledge_by_temperature", by_temperature},
                   {"identities", identities_json(study)}};
  return json_text(document, false);
}

TemperatureStudy parse_temperature(std::string_view text, const std::string& file) {
  const json document = parse_json(text, file);
  const JsonNode node(document, file);
  node.expect_format();
  const JsonNode sample = node.at("sample");
  TemperatureStudy out;
  out.sample_index = sample.at("index").integer();
  out.sample_label = class_index(sample.at("label"));
  out.logits = sample.at("logits").numbers();
  out.picture = sample.member("picture").picture();
  out.temperatures = node.at("temperatures").numbers();
  out.probabilities = node.at("probabilities").matrix();
  const JsonNode test = node.at("test");
  out.entropy = test.at("entropy").numbers();
  out.nll = test.at("nll").numbers();
  out.ece = test.at("ece").numbers();
  out.best_temperature = node.member("best_temperature").number();
  for (const JsonNode& entry : node.at("dark_knowledge_by_temperature").items()) {
    out.dark_knowledge.push_back({entry.at("temperature").number(), entry.at("matrix").matrix()});
  }
  read_identities(node.at("identities"), out);
  expect_lengths(node, out);
  return out;
}

}  // namespace tempera::cli::report
