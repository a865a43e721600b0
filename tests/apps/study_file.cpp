// Oracles: the keys that docs/reference/files.md lists for study.json, each of them spoilt in turn.
#include "tempera/apps/experiment/study_file.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "tempera/core/errors.hpp"

namespace {

using nlohmann::ordered_json;

ordered_json sample_study_file() {
  return ordered_json::parse(R"({"format": 1, "name": "s", "vary": {"seed": [1, 2]}, "pair_by": "seed", "runs": [
    {"folder": "0001-a", "overrides": {"seed": 1}, "status": "completed",
     "results": {"float": {"errors": 10, "accuracy": 0.9, "nll": 0.5}}, "bytes": {"float32": 8, "stored": 8}, "bits": {}},
    {"folder": "0002-b", "overrides": {"seed": 2}, "status": "waiting", "results": {}, "bytes": {}, "bits": {}}],
    "statistics": {}})");
}

std::string refusal(const std::function<void(ordered_json&)>& change) {
  ordered_json study = sample_study_file();
  change(study);
  try {
    static_cast<void>(tempera::cli::parse_study(study.dump(), "dir/study.json"));
  } catch (const tempera::core::DataError& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST_CASE("a study is read with the statistics of its runs, not with those that the file claims") {
  const ordered_json study = tempera::cli::parse_study(sample_study_file().dump(), "f");
  REQUIRE(study.at("statistics").at("cells").size() == 1);
  CHECK(study.at("statistics").at("cells")[0].at("accuracy").at("float").at("mean") == 0.9);
}

TEST_CASE(
    "a study.json that is damaged anywhere is refused by file and key, and none of its runs is left out silently") {
  CHECK(refusal([](ordered_json&) {}) == "nothing thrown");
  CHECK(refusal([](ordered_json& study) { study["format"] = 99; }) ==
        "dir/study.json: /format: expected format 1, got 99");
  CHECK(refusal([](ordered_json& study) { study = nullptr; }) == "dir/study.json: /: expected an object, got null");
  CHECK(refusal([](ordered_json& study) { study["runs"][0]["results"] = "x"; }) ==
        "dir/study.json: /runs/0/results: expected an object, got \"x\"");
  CHECK(refusal([](ordered_json& study) {
          study["runs"][0]["results"] = ordered_json::object();
        }).starts_with("dir/study.json: /runs/0/results: expected an object with the key \"float\""));
  CHECK(refusal([](ordered_json& study) {
          study["runs"][0]["results"]["float"]["accuracy"] = "0.9";
        }).starts_with("dir/study.json: /runs/0/results/float/accuracy: expected a number"));
  CHECK(refusal([](ordered_json& study) {
          study["runs"][1]["overrides"] = {{"sed", 2}};
        }).starts_with("dir/study.json: /runs/1/overrides: expected a value for each path"));
  CHECK(refusal([](ordered_json& study) { study["pair_by"] = "sed"; }).starts_with("dir/study.json: /pair_by: "));
  for (const char* key : {"format", "name", "vary", "pair_by", "runs", "statistics"}) {
    CAPTURE(std::string(key));
    CHECK(refusal([&](ordered_json& study) { study.erase(key); }).find(key) != std::string::npos);
  }
  for (const char* key : {"folder", "overrides", "status", "results", "bytes"}) {
    CAPTURE(std::string(key));
    CHECK(refusal([&](ordered_json& study) { study["runs"][0].erase(key); }).find(key) != std::string::npos);
  }
}

TEST_CASE("a study.json that is no JSON is told with its line") {
  CHECK_THROWS_WITH_AS(static_cast<void>(tempera::cli::parse_study("{\n\"format\"", "f")),
                       doctest::Contains("f: is not JSON: line 2, column 9"), tempera::core::DataError);
}

}  // namespace
