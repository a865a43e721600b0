// The same experiment gives the same bits, whatever it is run with and from whichever of its configs.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

// The identity of a run: the hash that its folder's name begins with.
std::string identity(const fs::path& run) { return json_in(run / "provenance.json")["run"]; }

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder)) all.push_back(entry.path());
  return all;
}

}  // namespace

TEST_CASE("one, two and three threads train the same bits and measure the same numbers") {
  TemporaryFolder folder;
  const std::string expected = content(finished_smoke() / "model.safetensors");
  for (const char* threads : {"1", "2", "3"}) {
    CAPTURE(threads);
    const fs::path run = folder / threads;
    REQUIRE(run_tempera(smoke(run, {"--threads", threads})).status == 0);
    CHECK(content(run / "model.safetensors") == expected);
    CHECK(metrics_without_times(run) == metrics_without_times(finished_smoke()));
    CHECK(content(run / "temperature.json") == content(finished_smoke() / "temperature.json"));
    CHECK(json_in(run / "provenance.json")["threads"].dump() == threads);
  }
}

TEST_CASE("--dry-run writes nothing and prints a config that is the same run") {
  TemporaryFolder folder;
  const std::string config = fs::absolute("configs/smoke.json").string();
  const Finished dry = run({.arguments = {"run", config, "--dry-run"}, .folder = folder.path()});
  CHECK(dry.status == 0);
  CHECK(entries(folder.path()).empty());
  CHECK(dry.out == content(finished_smoke() / "config.resolved.json"));
  const fs::path resolved = write(folder / "resolved.json", dry.out);
  REQUIRE(run_tempera({"run", resolved.string(), "--out", (folder / "again").string()}).status == 0);
  CHECK(identity(folder / "again") == identity(finished_smoke()));
  CHECK(content(folder / "again" / "config.resolved.json") == dry.out);
  CHECK(content(folder / "again" / "model.safetensors") == content(finished_smoke() / "model.safetensors"));
}

TEST_CASE("without --out a run goes to runs/<name>-<first eight of its hash>, and another seed elsewhere") {
  TemporaryFolder folder;
  const std::string config = fs::absolute("configs/smoke.json").string();
  REQUIRE(run({.arguments = {"run", config}, .folder = folder.path()}).status == 0);
  REQUIRE(run({.arguments = {"run", config, "--set", "seed=2"}, .folder = folder.path()}).status == 0);
  const fs::path first = folder / "runs" / ("smoke-" + identity(finished_smoke()).substr(0, 8));
  CHECK(fs::exists(first / "summary.json"));
  CHECK(entries(folder / "runs").size() == 2);
  CHECK(content(first / "model.safetensors") == content(finished_smoke() / "model.safetensors"));
}

TEST_CASE("the resolved config of a run has every key of its input and the overrides of --set") {
  TemporaryFolder folder;
  const Finished dry = run_tempera({"run", "configs/smoke.json", "--dry-run", "--set", "train.epochs=7", "--set",
                                    "model.layers.fc1.out=24", "--set", "optimizer=adam", "--set", "name=plain-word"});
  REQUIRE(dry.status == 0);
  const nlohmann::json config = nlohmann::json::parse(dry.out);
  CHECK(config["train"]["epochs"] == 7);
  CHECK(config["train"]["batch"] == 32);
  CHECK(config["model"]["layers"][1]["out"] == 24);
  CHECK(config["optimizer"]["type"] == "adam");
  CHECK(config["name"] == "plain-word");
}
