#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/sample_run.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/apps/report/run_files.hpp"
#include "tempera/core/errors.hpp"

using namespace tempera::cli::report;
using nlohmann::json;
using tempera::core::DataError;

namespace {

std::string message_of(const auto& call) {
  try {
    call();
  } catch (const tempera::core::Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The sample's, with another value under one key.
std::string changed_evaluation(const std::string& key, const json& value) {
  json document = json::parse(evaluation_text(*tempera::test::sample_run().evaluation));
  document[key] = value;
  return document.dump();
}

}  // namespace

TEST_CASE("summary.json has the keys the contract promises to scripts") {
  const json document = json::parse(summary_text(tempera::test::sample_run().summary));
  CHECK(document.at("format") == 1);
  CHECK(document.at("name") == "mnist-temperature");
  CHECK(document.at("status") == "completed");
  for (const char* key : {"requested", "used", "fallback", "train", "validation", "test", "sha256"}) {
    CHECK(document.at("data").contains(key));
  }
  CHECK(document.at("model").at("bytes").at("float32") == 407080);
  CHECK(document.at("model").at("multiply_adds") == 101632);
  const json test = document.at("results").at("float").at("test");
  CHECK(test.at("errors") == 184);
  for (const char* key : {"n", "accuracy", "loss", "nll", "ece"}) CHECK(test.contains(key));
  CHECK(document.at("results").at("fake_quant") == json::object());
  CHECK(document.at("results").at("integer") == json::object());
  for (const char* key : {"epochs", "steps", "seconds", "samples_per_second"})
    CHECK(document.at("training").contains(key));
}

TEST_CASE(
    "bits of weights and values beyond a format come back from summary.json, and only the latter may be missing") {
  Summary summary = tempera::test::sample_run().summary;
  summary.model.bits = {{"activations", 8}, {"weights", 4.05}};
  CHECK_FALSE(json::parse(summary_text(summary)).contains("overflows"));
  summary.overflows = {{"fc1.output", 3}};
  const json document = json::parse(summary_text(summary));
  CHECK(document["model"]["bits"]["weights"] == 4.05);
  CHECK(document["overflows"] == json{{"fc1.output", 3}});
  const Summary back = parse_summary(summary_text(summary), "s");
  CHECK(back.model.bits == summary.model.bits);
  CHECK(back.overflows == summary.overflows);
}

TEST_CASE("the proof of a lowered network stands in summary.json, and only of one") {
  Summary summary = tempera::test::sample_run().summary;
  CHECK_FALSE(json::parse(summary_text(summary)).contains("verification"));
  summary.verification = {.done = true,
                          .equal = false,
                          .images = 10000,
                          .values = 24360000,
                          .difference = "reference and engine differ",
                          .float_activations = 0.25,
                          .float_predictions = 0.125,
                          .float_sites = {{.site = "act1.output", .differ = 0.5, .largest = 2}}};
  const json proof = json::parse(summary_text(summary)).at("verification");
  CHECK(proof == json::parse(R"({"equal": false, "images": 10000, "values": 24360000,
      "difference": "reference and engine differ",
      "float_form": {"activations_differ": 0.25, "predictions_differ": 0.125,
                     "sites": [{"site": "act1.output", "differ": 0.5, "largest_steps": 2}]}})"));
  CHECK(summary_text(parse_summary(summary_text(summary), "s")) == summary_text(summary));
}

TEST_CASE("temperature.json has the keys the contract promises to scripts") {
  const json document = json::parse(temperature_text(tempera::test::sample_study()));
  CHECK(document.at("format") == 1);
  CHECK(document.at("sample").at("index") == 0);
  CHECK(document.at("sample").at("label") == 7);
  CHECK(document.at("sample").at("logits").size() == 10);
  CHECK(document.at("temperatures").size() == 50);
  CHECK(document.at("probabilities").size() == 50);
  CHECK(document.at("probabilities")[0].size() == 10);
  for (const char* key : {"entropy", "nll", "ece"}) CHECK(document.at("test").at(key).size() == 50);
  CHECK(document.at("best_temperature") == 1.4);
  CHECK(document.at("dark_knowledge").size() == 10);
  CHECK(document.at("dark_knowledge")[0].size() == 10);
  CHECK(document.at("dark_knowledge_temperature") == 4);
}

TEST_CASE("what is written is read back as it was, unknown numbers included") {
  const RunData run = tempera::test::sample_run();
  const RunData broken = tempera::test::broken_run();
  for (const RunData& data : {run, broken}) {
    CHECK(summary_text(parse_summary(summary_text(data.summary), "s")) == summary_text(data.summary));
    CHECK(evaluation_text(parse_evaluation(evaluation_text(*data.evaluation), "e")) ==
          evaluation_text(*data.evaluation));
    for (const EpochMetrics& epoch : data.epochs)
      CHECK(metrics_line(parse_metrics(metrics_line(epoch), "m").at(0)) == metrics_line(epoch));
  }
  CHECK(temperature_text(parse_temperature(temperature_text(*run.temperature), "t")) ==
        temperature_text(*run.temperature));
  CHECK(std::isnan(parse_evaluation(evaluation_text(*run.evaluation), "e").calibration.at(0).accuracy));
  const auto& picture = parse_temperature(temperature_text(*run.temperature), "t").picture;
  CHECK(picture.pixels == run.temperature->picture.pixels);
}

TEST_CASE("a damaged file is named with the place, what was expected and what came") {
  CHECK(contains(message_of([] { (void)parse_summary("{\"format\":1,\"name\":7}", "dir/summary.json"); }),
                 "dir/summary.json"));
  CHECK(contains(message_of([] { (void)parse_summary("{\"format\":1,\"name\":7}", "f"); }),
                 "/name: expected a text, got 7"));
  CHECK(contains(message_of([] { (void)parse_summary("{\"format\":2,\"name\":\"a\"}", "f"); }),
                 "/format: expected format 1, got 2"));
  CHECK(contains(message_of([] { (void)parse_summary("[]", "f"); }), "expected an object"));
  const auto confused = [] { (void)parse_evaluation(changed_evaluation("confusion", {{1, 2}, {3}}), "f"); };
  CHECK(contains(message_of(confused), "/confusion/1"));
  const std::string line = metrics_line(tempera::test::sample_epochs(1)[0]);
  CHECK(contains(message_of([&] { (void)parse_metrics(line + "{\"epoch\":", "metrics.jsonl"); }), "metrics.jsonl:2"));
  CHECK_THROWS_AS((void)parse_provenance("[1]", "p"), DataError);
}

// Oracle: the place counted by hand; no word of the library that parses.
TEST_CASE("a file that is no JSON is told with line, column and what was expected there") {
  const auto said = [](const char* text) { return message_of([&] { (void)parse_summary(text, "dir/summary.json"); }); };
  CHECK(contains(said("{\n  \"format\": }"), "dir/summary.json: is not JSON: line 2, column 13: "));
  CHECK(contains(said("{\"format\": 1"), "line 1, column 13: "));
  CHECK(contains(said("{\"format\": 1"), "expected '}'"));
  CHECK(contains(said(""), "dir/summary.json: is not JSON: the file is empty"));
  CHECK_FALSE(contains(said("{\"format\": }"), "json.exception"));
}

// Oracle: the writers, each of whose keys is taken away in turn; those of later versions may be missing.
TEST_CASE("a file that lacks what its writer always writes, or has another format, is refused by the key's name") {
  const RunData run = tempera::test::sample_run();
  Quantization quantization;
  quantization.sites.push_back({.site = "fc1.weight", .kind = "weight", .grid = "4 bit", .bits = 4, .values = 8});
  const auto refused = [](const std::string& text, const auto& parse, const std::vector<std::string>& optional) {
    const json whole = json::parse(text);
    for (const auto& [key, value] : whole.items()) {
      json part = whole;
      part.erase(key);
      CAPTURE(key);
      const std::string said = message_of([&] { parse(part.dump()); });
      const bool may_miss = std::find(optional.begin(), optional.end(), key) != optional.end();
      CHECK_MESSAGE((may_miss ? said == "nothing thrown" : contains(said, "with the key \"" + key + "\"")), said);
    }
    json other = whole;
    other["format"] = 99;
    CHECK(message_of([&] { parse(other.dump()); }) == "f: /format: expected format 1, got 99");
  };
  refused(summary_text(run.summary), [](const std::string& text) { (void)parse_summary(text, "f"); }, {});
  refused(evaluation_text(*run.evaluation), [](const std::string& text) { (void)parse_evaluation(text, "f"); }, {});
  refused(quantization_text(quantization), [](const std::string& text) { (void)parse_quantization(text, "f"); }, {});
  refused(temperature_text(*run.temperature), [](const std::string& text) { (void)parse_temperature(text, "f"); },
          {"dark_knowledge", "dark_knowledge_temperature"});  // for scripts alone
  refused(R"({"format": 1, "run": "a"})", [](const std::string& text) { (void)parse_provenance(text, "f"); }, {"run"});
}

TEST_CASE("a last line of metrics.jsonl that was cut off is left out and told, any other is an error") {
  const std::string whole = metrics_line(tempera::test::sample_epochs(1)[0]), half = whole.substr(0, whole.size() / 2);
  std::string cut;
  CHECK(parse_metrics(whole + half, "m", &cut).size() == 1);
  CHECK(contains(cut, "m:2: the last line is cut off"));
  cut.clear();
  CHECK(parse_metrics(whole + whole.substr(0, whole.size() - 1), "m", &cut).size() == 2);  // lacks only its newline
  CHECK(cut.empty());
  CHECK(contains(message_of([&] { (void)parse_metrics(half + "\n" + whole, "m", &cut); }), "m:1: is not JSON"));
  CHECK_THROWS_AS((void)parse_metrics(whole + half, "m"), DataError);
}

TEST_CASE("a picture with missing, excess or impossible pixels is refused") {
  const auto with = [](const std::string& picture) {
    return changed_evaluation("worst", json::array({{{"index", 1},
                                                     {"label", 1},
                                                     {"predicted", 2},
                                                     {"probability", 0.9},
                                                     {"label_probability", 0.1},
                                                     {"picture", json::parse(picture)}}}));
  };
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":2,"width":2,"pixels":[1,2,3]})"), "e"), DataError);
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":1,"width":1,"pixels":[256]})"), "e"), DataError);
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":-1,"width":-1,"pixels":[1]})"), "e"), DataError);
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":1e99,"width":1,"pixels":[]})"), "e"), DataError);
  CHECK(parse_evaluation(with("null"), "e").worst.at(0).picture.pixels.empty());
}

TEST_CASE("a class below zero is refused") {
  json worst = json::parse(evaluation_text(*tempera::test::sample_run().evaluation)).at("worst");
  worst[1]["label"] = -1;
  CHECK(contains(message_of([&] { (void)parse_evaluation(changed_evaluation("worst", worst), "e"); }),
                 "/worst/1/label: expected the number of a class"));
  json document = json::parse(temperature_text(tempera::test::sample_study()));
  document["sample"]["label"] = -7;
  CHECK_THROWS_AS((void)parse_temperature(document.dump(), "t"), DataError);
}

TEST_CASE("a temperature study whose lists do not fit each other is refused") {
  json document = json::parse(temperature_text(tempera::test::sample_study()));
  document["probabilities"].erase(0);
  CHECK_THROWS_AS((void)parse_temperature(document.dump(), "t"), DataError);
  document = json::parse(temperature_text(tempera::test::sample_study()));
  document["test"]["nll"] = {1, 2};
  CHECK_THROWS_AS((void)parse_temperature(document.dump(), "t"), DataError);
}

TEST_CASE("a run folder needs its summary and may lack all else") {
  const TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "mnist-00000001";
  std::filesystem::create_directories(run);
  CHECK_THROWS_AS((void)load_run(run), tempera::core::FileError);
  const RunData sample = tempera::test::sample_run();
  std::ofstream(run / "summary.json") << summary_text(sample.summary);
  const RunData bare = load_run(run / "");
  CHECK(bare.folder == "mnist-00000001");
  CHECK(bare.summary.results.at("float").at("test").errors == 184);
  CHECK(!bare.evaluation);
  CHECK(!bare.temperature);
  std::ofstream(run / "evaluation.json") << evaluation_text(*sample.evaluation);
  std::ofstream(run / "temperature.json") << temperature_text(*sample.temperature);
  std::ofstream(run / "provenance.json")
      << R"({"format":1,"version":"0.1.0","processor":{"name":"x","levels":["avx2"]}})";
  const RunData full = load_run(run);
  CHECK(full.evaluation->worst.size() == 24);
  CHECK(full.temperature->temperatures.size() == 50);
  CHECK(full.provenance ==
        std::vector<std::pair<std::string, std::string>>{
            {"format", "1"}, {"version", "0.1.0"}, {"processor.name", "x"}, {"processor.levels.0", "avx2"}});
}

TEST_CASE("configs that a report shows may have comments and may be missing, but not be damaged") {
  const TemporaryFolder folder;
  const std::filesystem::path run = folder.path();
  std::ofstream(run / "summary.json") << summary_text(tempera::test::sample_run().summary);
  const auto said = [&](const char* file, const std::string& text) {
    std::ofstream(run / file) << text;
    const std::string message = message_of([&] { (void)load_run(run); });
    std::filesystem::remove(run / file);
    return message;
  };
  CHECK(said("config.input.json", "{\"seed\": 1 /* mine */}") == "nothing thrown");
  CHECK(said("config.resolved.json", "{\"name\": \"a\"}") == "nothing thrown");
  CHECK(contains(said("config.resolved.json", "{}"), "with the key \"name\""));
  for (const char* file : {"config.input.json", "config.resolved.json"}) {
    for (const char* text : {"", "null", "{\"name\": \"a\",\n"}) CHECK(contains(said(file, text), file));
  }
}
