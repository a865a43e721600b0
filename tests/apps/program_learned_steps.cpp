// Networks whose staircases learn their steps, from the config to the shipped program. Oracle: the three roads of verify, on
// every instruction level and number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"
#include "tempera/nn/safetensors.hpp"
#include "tempera/quant/program_file.hpp"

using namespace program;
namespace nn = ::tempera::nn;
namespace quant = ::tempera::quant;
namespace fs = std::filesystem;

namespace {

// Every form: β for weights, β and biases behind a pooled convolution, biases alone behind a layer.
constexpr const char* kConfig = R"({"extends": "SOURCE/configs/smoke.json",
  "name": "steps", "analyses": [],
  "model": {"layers": [
    {"type": "conv2d", "name": "conv1", "out": 4, "kernel": 5, "stride": 2}, {"type": "max_pool2d"},
    {"type": "relu", "name": "act1"}, {"type": "flatten"},
    {"type": "linear", "name": "fc1", "out": 24}, {"type": "relu", "name": "act2"},
    {"type": "linear", "name": "fc2", "out": 10}]},
  "train": {"epochs": 3},
  "quantization": {"start_epoch": 1, "rules": [
    {"sites": "*.weight", "quantizer": {"type": "smoothed_sigmoid", "bits": 4, "beta": "learned"}},
    {"sites": "fc1.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_channel"}},
    {"sites": "act1.output", "quantizer": {"type": "smoothed_sigmoid", "bits": 4, "beta": "learned", "biases": "learned"}},
    {"sites": "act2.output", "quantizer": {"type": "smoothed_sigmoid", "bits": 2, "biases": "learned"}}]},
  "lower": {}})";

std::string config() {
  std::string text = kConfig;
  return text.replace(text.find("SOURCE"), 6, fs::current_path().string());
}

std::vector<double> numbers(const fs::path& run, const std::string& name) {
  const ::tempera::core::Tensor tensor = nn::SafetensorsReader(run / "model.safetensors").tensor(name);
  return {tensor.values().begin(), tensor.values().end()};
}

}  // namespace

TEST_CASE(
    "a network with learned steps is trained, lowered to thresholds, and equal on every road, level and thread count") {
  TemporaryFolder folder;
  const fs::path file = write(folder / "config.json", config());
  std::string program_bytes;
  for (const char* threads : {"1", "3"}) {
    const fs::path run = folder / threads;
    const Finished done = program::run_tempera({"run", file.string(), "--out", run.string(), "--threads", threads});
    REQUIRE_MESSAGE(done.status == 0, done.err);
    const std::string bytes = content(run / "program.safetensors");
    if (!program_bytes.empty()) CHECK(bytes == program_bytes);
    program_bytes = bytes;
  }
  const fs::path model = folder / "1";
  // They have learned: no longer where they began, and still finite.
  const std::vector<double> biases = numbers(model, "act1.output.biases");
  const double unit = numbers(model, "act1.output.bias_unit")[0];
  REQUIRE(biases.size() == 15);
  double moved = 0;
  for (std::size_t i = 0; i < biases.size(); ++i) moved += std::abs(biases[i] / unit - (static_cast<double>(i) + 0.5));
  CHECK(moved > 1e-3);
  CHECK(moved < 15);
  CHECK(numbers(model, "conv1.weight.input_range") != numbers(model, "conv1.weight.alpha"));

  const quant::Program program = quant::load_program(model / "program.safetensors");
  const auto& conv = std::get<quant::program::Conv2d>(program.instructions[1].operation);
  REQUIRE(conv.requant);
  CHECK(conv.requant->thresholds);
  const auto summary = json_in(model / "summary.json");
  CHECK(summary["results"]["integer"]["test"] == summary["results"]["fake_quant"]["test"]);

  int levels = 0;
  for (const char* level : {"scalar", "sse42", "avx2", "avx512", "avx512vnni", "amx"}) {
    if (run({.arguments = {"hardware"}, .environment = {{"TEMPERA_ISA", level}}}).status != 0) continue;
    ++levels;
    for (const char* threads : {"1", "3"}) {
      CAPTURE(level);
      CAPTURE(threads);
      const Finished proof =
          run({.arguments = {"verify", model.string(), "--images", "200", "--threads", threads, "--json"},
               .environment = {{"TEMPERA_ISA", level}}});
      REQUIRE_MESSAGE(proof.status == 0, proof.err);
      const auto found = nlohmann::json::parse(proof.out);
      CHECK(found["equal"] == true);
      CHECK(found["images"] == 200);
    }
  }
  CHECK(levels >= 1);
  // The report draws the staircase as it is shipped, each step where it stands.
  const auto sites = json_in(model / "quantization.json")["sites"];
  for (const auto& site : sites) {
    if (site["site"] != "act1.output") continue;
    const std::vector<double> x = site["staircase"]["argument"], hard = site["staircase"]["hard"];
    REQUIRE(x.size() == hard.size());
    CHECK(has(site["grid"].get<std::string>(), "steps of unequal width"));
    int steps = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {
      if (hard[i] == hard[i - 1]) continue;
      ++steps;
      CHECK(x[i] - x[i - 1] < 1e-5 * std::max(1.0, std::abs(x[i])));  // upright
    }
    CHECK(steps >= 10);
  }
}
