// What is said of a run that was trained rounded, and of the size of what it ships. Oracles: its config, and sizes by hand.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "smoke.hpp"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

TEST_CASE("a run that was trained rounded does not call its weights in floats trained ones") {
  const fs::path run = finished_smoke_quant();
  CHECK(json_in(run / "summary.json")["training"]["rounded"] == true);
  CHECK(json_in(finished_smoke() / "summary.json")["training"]["rounded"] == false);
  const Finished said = run_tempera({"run", "configs/smoke-quant.json", "--out", run.string()});
  REQUIRE_MESSAGE(said.status == 0, said.err);
  CHECK_MESSAGE(has(said.out, "the same weights, rounding off (they were trained rounded), in floats: "), said.out);
  CHECK_FALSE(has(said.out, "as trained"));
  const std::string page = content(run / "report.html");
  CHECK(has(page, "test accuracy, floats, rounding off"));
  CHECK(has(page, "nothing was trained in floats to the end"));
  CHECK_FALSE(has(page, "floats, as trained"));
}

TEST_CASE("the report draws one channel where each has a scale, and says which quantizers have no picture, and why") {
  TemporaryFolder folder;
  const fs::path run = folder / "run";
  const Finished done = run_tempera(smoke(run, {"--set",
                                                R"(quantization={"when":"after","rules":[
              {"sites":"fc1.weight","quantizer":{"type":"uniform","granularity":"per_group","group":16}},
              {"sites":"fc2.weight","quantizer":{"type":"uniform","granularity":"per_channel"}}]})"}));
  REQUIRE_MESSAGE(done.status == 0, done.err);
  const json sites = json_in(run / "quantization.json")["sites"];
  for (const json& site : sites) {
    CAPTURE(site["site"]);
    CHECK(site["staircase"]["argument"].empty() == (site["site"] == "fc1.weight"));
    CHECK(site["staircase"].contains("channel") == (site["site"] == "fc2.weight"));
  }
  const std::string page = content(run / "report.html");
  CHECK(has(page, "Without a picture: fc1.weight."));
  for (const json& site : sites) {
    if (!site["staircase"].contains("channel")) continue;
    CHECK(site["staircase"]["channel"] < 10);
    CHECK(has(page, "fc2.weight, channel " + site["staircase"]["channel"].dump() + " (uniform"));
  }
}

TEST_CASE(
    "a run of smoothed steps ends by saying how far soft and hard are apart, and draws each at the steepness it "
    "reached") {
  TemporaryFolder folder;
  const fs::path run = folder / "run";
  const Finished done = run_tempera({"run", "configs/smoke-smoothed.json", "--out", run.string()});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK_MESSAGE(has(done.out, "smoothed steps in the last epoch: T "), done.out);
  // After five epochs of six: 4·2⁵ and the end of the cosine, both held at 60; 6·6; 8 as it was.
  const std::map<std::string, double> reached{
      {"fc1.weight", 60}, {"fc2.weight", 60}, {"act1.output", 36}, {"act2.output", 8}};
  for (const json& site : json_in(run / "quantization.json")["sites"]) {
    const auto found = reached.find(site["site"]);
    CAPTURE(site["site"]);
    CHECK(site["staircase"].contains("temperature") == (found != reached.end()));
    if (found != reached.end()) CHECK(site["staircase"]["temperature"] == found->second);
  }
  CHECK(has(content(run / "report.html"), "in training, T = 36"));
}

// conv1 72 weights, depthwise 72, grouped 32, conv2 and conv3 576 each, fc 7·7·8·10, of 4 bits; a bias of 4 bytes for each of 8
// channels in five convolutions, two of which have none before batch norm is folded, and 10 for fc.
TEST_CASE("weights and biases alone are those that the program holds, wherever they are said") {
  TemporaryFolder folder;
  const fs::path run = folder / "run";
  const Finished done = run_tempera({"run", "configs/smoke-convolutions.json", "--out", run.string()});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  constexpr std::int64_t kAlone = (72 + 72 + 32 + 2 * 576 + 7 * 7 * 8 * 10) / 2 + 4 * (5 * 8 + 10);
  CHECK(json_in(run / "summary.json")["model"]["bytes"]["parameters"] == kAlone);
  CHECK(result({"describe", (run / "program.safetensors").string()})["bytes"] == kAlone);
}

TEST_CASE("the command that a study keeps has its threads") {
  TemporaryFolder folder;
  const fs::path study = folder / "study";
  const Finished done =
      run_tempera(smoke(study, {"--set", R"(study={"vary":{"seed":[1,2]},"pair_by":"seed"})", "--set", "train.epochs=1",
                                "--set", "data.train_limit=100", "--threads", "1"}));
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(has(json_in(study / "study.json")["command"].get<std::string>(), " --threads 1"));
  const std::string page = content(study / "report.html");
  CHECK(has(page, "2 of 2 runs completed"));
  CHECK(has(page, "synthetic_digits: 100 training"));
  CHECK(has(page, ">processor</th>"));
}
