#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

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
  CHECK(contains(message_of([] { (void)parse_evaluation("{\"confusion\":[[1,2],[3]]}", "f"); }), "/confusion/1"));
  CHECK(contains(message_of([] { (void)parse_metrics("{\"epoch\":1}\n{\"epoch\":", "metrics.jsonl"); }),
                 "metrics.jsonl:2"));
  CHECK_THROWS_AS((void)parse_provenance("[1]", "p"), DataError);
}

TEST_CASE("a picture with missing, excess or impossible pixels is refused") {
  const auto with = [](const std::string& picture) {
    return "{\"worst\":[{\"index\":1,\"label\":1,\"predicted\":2,\"picture\":" + picture + "}]}";
  };
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":2,"width":2,"pixels":[1,2,3]})"), "e"), DataError);
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":1,"width":1,"pixels":[256]})"), "e"), DataError);
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":-1,"width":-1,"pixels":[1]})"), "e"), DataError);
  CHECK_THROWS_AS((void)parse_evaluation(with(R"({"height":1e99,"width":1,"pixels":[]})"), "e"), DataError);
  CHECK(parse_evaluation(with("null"), "e").worst.at(0).picture.pixels.empty());
}

TEST_CASE("a class below zero is refused") {
  CHECK_THROWS_AS((void)parse_evaluation(R"({"worst":[{"index":1,"label":-1,"predicted":2}]})", "e"), DataError);
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
  std::ofstream(run / "provenance.json") << R"({"version":"0.1.0","processor":{"name":"x","levels":["avx2"]}})";
  const RunData full = load_run(run);
  CHECK(full.evaluation->worst.size() == 24);
  CHECK(full.temperature->temperatures.size() == 50);
  CHECK(full.provenance == std::vector<std::pair<std::string, std::string>>{
                               {"version", "0.1.0"}, {"processor.name", "x"}, {"processor.levels.0", "avx2"}});
}
