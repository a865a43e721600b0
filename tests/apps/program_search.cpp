// tempera quantize --search: where it writes, what it refuses, and that its config is whole. Oracles: the rules of run
// folders, and the bits that powers of two have.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPowers = R"({"lower": {}, "quantization": {"calibration": {"images": 200}, "rules": [
    {"sites": "fc1.weight", "quantizer": {"type": "power_of_two_values"}},
    {"sites": "fc2.weight", "quantizer": {"type": "ternary"}},
    {"sites": "act*.output", "quantizer": {"type": "uniform", "bits": 8}}]}})";

// In a working folder of its own, as no --out is given.
Finished search(const fs::path& home, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"quantize", finished_smoke().string(), "--config", "c.json", "--search", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run({.arguments = arguments, .folder = home});
}

}  // namespace

TEST_CASE("a search of weights that have few bits offers those they have, and its config keeps what is not of bits") {
  TemporaryFolder home;
  write(home / "c.json", kPowers);
  const Finished done = search(home.path());
  REQUIRE_MESSAGE(done.status == 0, done.err);
  const json found = json::parse(done.out);
  for (const json& site : found["sites"]) {
    std::vector<int> offered;
    for (const json& point : site["points"]) offered.push_back(point["bits"]);
    // Powers of two have 5 bits at most, and as integers for a program 4; ternary weights have 2.
    if (site["site"] == "fc1.weight") CHECK(offered == std::vector<int>{4, 2});
    if (site["site"] == "fc2.weight") CHECK(offered == std::vector<int>{2});
    if (site["site"] == "act1.output") CHECK(offered == std::vector<int>{8, 4, 2});
  }
  const fs::path config = home.path() / found["config"].get<std::string>();
  CHECK(json_in(config).contains("lower"));
  CHECK(json_in(config)["name"] == "smoke-quantized-found-bits");
  const Finished whole = run_tempera(
      {"quantize", finished_smoke().string(), "--config", config.string(), "--out", (home / "quantized").string()});
  REQUIRE_MESSAGE(whole.status == 0, whole.err);
  CHECK(json_in(home / "quantized" / "summary.json")["verification"]["equal"] == true);
  CHECK(json_in(home / "quantized" / "summary.json")["name"] == "smoke-quantized-found-bits");
}

TEST_CASE("what a search finds is named after the file's name, or as the command line says, and once only") {
  TemporaryFolder home;
  const std::string unnamed = std::string(kPowers).substr(1);
  const auto found_name = [&](const std::string& name, const std::vector<std::string>& more) {
    write(home / "c.json", R"({"name": ")" + name + "\", " + unnamed);
    TemporaryFolder folder;
    std::vector<std::string> arguments{"--out", (folder / "found").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished done = search(home.path(), arguments);
    REQUIRE_MESSAGE(done.status == 0, done.err);
    return json_in(folder / "found" / "searched.json")["name"].get<std::string>();
  };
  CHECK(found_name("mine", {}) == "mine-found-bits");
  CHECK(found_name("mine-found-bits", {}) == "mine-found-bits");
  CHECK(found_name("mine", {"--set", "name=yours"}) == "yours");
}

TEST_CASE("a search has a folder of its own under runs, is not made again there, and leaves other folders alone") {
  TemporaryFolder home;
  write(home / "c.json", kPowers);
  const Finished first = search(home.path(), {"--budget", "20000"});
  REQUIRE_MESSAGE(first.status == 0, first.err);
  std::vector<std::string> below;
  for (const fs::directory_entry& entry : fs::directory_iterator(home / "runs"))
    below.push_back(entry.path().filename());
  REQUIRE(below.size() == 1);
  CHECK(below[0].starts_with("smoke-quantized-search-"));
  const fs::path folder = home.path() / "runs" / below[0];
  CHECK(files_below(folder) == std::vector<std::string>{"provenance.json", "search.html", "search.json",
                                                        "searched-training.json", "searched.json"});
  const std::string page = content(folder / "search.html");
  const Finished again = search(home.path(), {"--budget", "20000"});
  CHECK(again.status == 0);
  CHECK(again.out == first.out);
  CHECK(has(again.err, "nothing is computed"));
  CHECK(content(folder / "search.html") == page);

  const Finished other = search(home.path(), {"--budget", "19999", "--out", folder.string()});
  CHECK(other.status == 1);
  CHECK(has(other.err, "belongs to another run"));
  const Finished run = search(home.path(), {"--out", finished_smoke().string()});
  CHECK(run.status == 1);
  CHECK(content(folder / "search.html") == page);
  CHECK_FALSE(fs::exists(finished_smoke() / "searched.json"));
}

TEST_CASE("a budget that is too small is told in the units it was given in, and needs --search") {
  TemporaryFolder home;
  write(home / "c.json", kPowers);
  constexpr std::int64_t kWeights = 784 * 32 + 32 * 10;
  const Finished bytes = search(home.path(), {"--budget", "1000"});
  CHECK(bytes.status == 2);
  CHECK_MESSAGE(has(bytes.err, "1000 bytes of weights"), bytes.err);
  CHECK_MESSAGE(!has(bytes.err, "writing to"), bytes.err);  // refused before anything is measured
  CHECK_MESSAGE(has(bytes.err, std::to_string(kWeights * 2 / 8) + " bytes of weights"), bytes.err);
  const Finished operations = search(home.path(), {"--budget", "1000", "--measure", "bit_operations"});
  CHECK_MESSAGE(has(operations.err, std::to_string(kWeights * 2 * 8) + " bit operations"), operations.err);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--budget", "9000"}, std::vector<std::string>{"--measure", "size"}}) {
    std::vector<std::string> arguments{"quantize", finished_smoke().string(), "--config", "c.json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished alone = run({.arguments = arguments, .folder = home.path()});
    CHECK(alone.status == 2);
    CHECK_MESSAGE(has(alone.err, "--search"), alone.err);
  }
  if (fs::exists(home / "runs")) CHECK(fs::is_empty(home / "runs"));
}

TEST_CASE("a search prints commands that work: one quantizes with the bits found, one trains with them") {
  TemporaryFolder home;
  write(home / "c.json", kPowers);
  const Finished done =
      run({.arguments = {"quantize", finished_smoke().string(), "--config", "c.json", "--search", "--out", "found"},
           .folder = home.path()});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK_MESSAGE(has(done.out, "tempera quantize " + finished_smoke().string() + " --config found/searched.json\n"),
                done.out);
  CHECK_MESSAGE(has(done.out, "tempera run found/searched-training.json\n"), done.out);
  const Finished trained = run({.arguments = {"run", "found/searched-training.json", "--out", "trained", "--set",
                                              "train.epochs=1", "--set", "analyses=[]"},
                                .folder = home.path()});
  REQUIRE_MESSAGE(trained.status == 0, trained.err);
  const json resolved = json_in(home / "trained" / "config.resolved.json");
  CHECK(resolved["quantization"]["when"] == "aware");
  const json found = json_in(home / "found" / "search.json");
  for (const json& site : resolved["quantization"]["sites"]) {
    if (found["chosen"]["bits"].contains(site["site"].get<std::string>())) CHECK(site["rule"].get<int>() >= 3);
  }
  CHECK(json_in(home / "trained" / "summary.json")["verification"]["equal"] == true);
}

TEST_CASE("a search without a weight to choose bits for is refused, and leaves nothing behind") {
  TemporaryFolder home;
  write(home / "c.json",
        R"({"quantization": {"rules": [{"sites": "act*.output", "quantizer": {"type": "uniform", "bits": 8}}]}})");
  const Finished done = search(home.path());
  CHECK(done.status == 2);
  CHECK_MESSAGE(has(done.err, "/quantization/rules"), done.err);
  CHECK_MESSAGE(has(done.err, "no rule takes one"), done.err);
  if (fs::exists(home / "runs")) CHECK(fs::is_empty(home / "runs"));
}

// 784·32 products with pixels of 8 bits and 32·10 with activations of 3, each half of 8 bits: by hand.
TEST_CASE("a search in bit operations counts the bits that each layer's inputs have") {
  TemporaryFolder home;
  write(home / "c.json", R"({"lower": {}, "quantization": {"calibration": {"images": 200}, "rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}},
    {"sites": "act1.output", "quantizer": {"type": "uniform", "bits": 3}}]}})");
  const Finished done = search(home.path(), {"--measure", "bit_operations"});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  const json found = json::parse(done.out);
  double cost = 0;
  for (const json& site : found["sites"]) {
    if (!site.contains("input_bits")) continue;
    CHECK(site["input_bits"] == (site["site"] == "fc1.weight" ? 8 : 3));
    cost += site["multiply_adds"].get<double>() * site["input_bits"].get<double>() *
            found["chosen"]["bits"][site["site"].get<std::string>()].get<double>();
  }
  CHECK(found["chosen"]["cost"] == cost);
  CHECK(cost <= 4.0 * (784 * 32 * 8 + 32 * 10 * 3));
}

// Oracles: the sum of values times bits by hand, and the same search in the program's own words.
TEST_CASE("a search's file counts costs in the unit that it names, and its page shows budget and front") {
  TemporaryFolder home;
  write(home / "c.json", kPowers);
  const Finished done = search(home.path(), {"--budget", "10000", "--out", "found"});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  const json found = json::parse(done.out);
  CHECK(found["measure"] == "size");
  CHECK(found["unit"] == "bytes of weights");
  CHECK(found["budget"] == 10000);
  double bytes = 0;
  for (const json& site : found["sites"]) {
    const std::string name = site["site"];
    if (found["chosen"]["bits"].contains(name))
      bytes += site["values"].get<double>() * found["chosen"]["bits"][name].get<double>() / 8;
  }
  CHECK(found["chosen"]["cost"] == bytes);
  CHECK(bytes <= 10000);
  CHECK(found["pareto"].front()["cost"] == (784 * 32 + 32 * 10) * 2 / 8);
  const std::string page = content(home / "found" / "search.html");
  CHECK(has(page, ">budget</text>"));
  CHECK(has(page, ">chosen</text>"));
  CHECK(has(page, "The numbers: every point of the front"));
  CHECK(has(page, ">bits of fc1.weight</th>"));

  const Finished operations =
      search(home.path(), {"--budget", "900000", "--measure", "bit_operations", "--out", "operations"});
  REQUIRE_MESSAGE(operations.status == 0, operations.err);
  CHECK(json::parse(operations.out)["measure"] == "bit_operations");
  CHECK(json::parse(operations.out)["unit"] == "bit operations an image");
  CHECK(json::parse(operations.out)["budget"] == 900000);
}
