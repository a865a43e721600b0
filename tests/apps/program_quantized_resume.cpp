// Quantized runs that are stopped and resumed: the state of observers, learned scales, soft staircases and folded batch norm
// has to outlive the process. Oracle: the files of a run of the same config that nothing disturbed.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

constexpr int kEpochs = 5;

// Every quantizer and every observer; ranges are watched for an epoch before they act and stay after the fourth, and a
// schedule drives the temperature of a soft staircase.
constexpr const char* kEveryQuantizer = R"({"extends": "SOURCE/configs/smoke-quantizers.json",
  "train": {"epochs": 5, "weight_average": 0.9},
  "schedules": [{"type": "linear", "target": "quantization.sites.fc5.weight.temperature", "from": 2, "to": 20}],
  "quantization": {"start_epoch": 1, "freeze_observers": 4}})";

// Batch norm folded while training and frozen in the end, scales learned by AdamW, and integers as the result.
constexpr const char* kFolded = R"({"extends": "SOURCE/configs/smoke.json",
  "analyses": [],
  "model": {"layers": [
    {"type": "conv2d", "name": "conv1", "out": 4, "kernel": 3, "stride": 2, "padding": 1, "bias": false},
    {"type": "batch_norm", "name": "bn1"}, {"type": "relu", "name": "act1"},
    {"type": "residual", "name": "block", "layers": [
      {"type": "conv2d", "name": "conv1", "out": 4, "kernel": 3, "padding": 1, "bias": false},
      {"type": "batch_norm", "name": "bn1"}]},
    {"type": "relu", "name": "act2"},
    {"type": "flatten"}, {"type": "linear", "name": "fc", "out": 10}]},
  "optimizer": {"type": "adamw", "learning_rate": 0.01},
  "train": {"epochs": 5, "early_stopping": {"patience": 5}},
  "quantization": {"start_epoch": 1, "freeze_batch_norm": 3, "rules": [
    {"sites": "*.weight", "quantizer": {"type": "lsq", "bits": 4, "per_channel": true, "learning_rate": 0.1}},
    {"sites": "*act*.output", "quantizer": {"type": "lsq", "bits": 4}},
    {"sites": "block.input", "quantizer": {"type": "uniform", "bits": 8, "observer": "percentile"}},
    {"sites": "block/bn1.output", "quantizer": {"type": "uniform", "bits": 8, "observer": "moving_average"}}]},
  "lower": {}})";

// Steps that learn, with the momentum of β and every bias to be kept.
constexpr const char* kLearnedSteps = R"({"extends": "SOURCE/configs/smoke.json",
  "analyses": [],
  "train": {"epochs": 5},
  "quantization": {"start_epoch": 1, "rules": [
    {"sites": "*.weight", "quantizer": {"type": "smoothed_sigmoid", "bits": 4, "beta": "learned", "biases": "learned"}},
    {"sites": "act1.output", "quantizer": {"type": "smoothed_sigmoid", "bits": 3, "beta": "learned", "biases": "learned"}}]},
  "lower": {}})";

// The files a run leaves that depend on nothing but its config: not what tells when and how fast it ran.
std::set<std::string> repeatable(const fs::path& run) {
  std::set<std::string> names;
  for (const std::string& name : files_below(run)) names.insert(name);
  for (const char* timed : {"provenance.json", "metrics.jsonl", "summary.json", "report.html",
                            "checkpoints/last.safetensors", "checkpoints/best.safetensors"}) {
    names.erase(timed);
  }
  return names;
}

void check_same(const fs::path& run, const fs::path& undisturbed) {
  REQUIRE(repeatable(run) == repeatable(undisturbed));
  for (const std::string& name : repeatable(undisturbed)) {
    CHECK_MESSAGE(content(run / name) == content(undisturbed / name), name);
  }
  CHECK(metrics_without_times(run) == metrics_without_times(undisturbed));
  CHECK(metrics_without_times(run).size() == kEpochs);
  const nlohmann::json mine = json_in(run / "summary.json"), theirs = json_in(undisturbed / "summary.json");
  for (const char* key : {"status", "data", "model", "results"}) CHECK_MESSAGE(mine[key] == theirs[key], key);
  CHECK(mine["training"]["steps"] == theirs["training"]["steps"]);
}

struct Stop {
  const char* after;  // what the run says before the signal
  int signal;
};

void check_resumed_as_undisturbed(const char* text, std::initializer_list<Stop> stops) {
  TemporaryFolder folder;
  std::string config = text;
  config.replace(config.find("SOURCE"), 6, fs::current_path().string());
  const std::vector<std::string> command{"run", write(folder / "config.json", config).string(), "--resume", "--out"};
  const auto into = [&command](const fs::path& run) {
    std::vector<std::string> arguments = command;
    arguments.push_back(run.string());
    return arguments;
  };
  const Finished undisturbed = run_tempera(into(folder / "undisturbed"));
  REQUIRE_MESSAGE(undisturbed.status == 0, undisturbed.err);

  const fs::path stopped = folder / "stopped";
  for (const Stop& stop : stops) {
    CAPTURE(stop.after);
    Process process({.arguments = into(stopped)});
    REQUIRE(process.says(stop.after));
    process.send(stop.signal);
    CHECK(process.finish().status == (stop.signal == SIGKILL ? -SIGKILL : 130));
  }
  const Finished resumed = run_tempera(into(stopped));
  REQUIRE_MESSAGE(resumed.status == 0, resumed.err);
  CHECK(has(resumed.err, "continuing after epoch"));
  check_same(stopped, folder / "undisturbed");
}

}  // namespace

TEST_CASE(
    "a run with every quantizer and observer, stopped before they act, while and after, ends with the same bits") {
  check_resumed_as_undisturbed(kEveryQuantizer, {{"epoch 1/", SIGINT}, {"epoch 3/", SIGKILL}, {"epoch 4/", SIGINT}});
}

TEST_CASE("a run of learned scales and folded batch norm, stopped twice, ships the program of the run never stopped") {
  check_resumed_as_undisturbed(kFolded, {{"epoch 2/", SIGINT}, {"epoch 4/", SIGINT}});
}

TEST_CASE("a run of learned steps, stopped before they begin and while they learn, ships the same thresholds") {
  check_resumed_as_undisturbed(kLearnedSteps, {{"epoch 1/", SIGINT}, {"epoch 3/", SIGKILL}});
}

TEST_CASE(
    "quantize stopped while it rounds weights says --resume, and with it gives the program of one never stopped") {
  TemporaryFolder folder;
  const fs::path config = write(folder / "config.json", R"({"lower": {}, "quantization": {
    "calibration": {"images": 256, "adaround": {"iterations": 1500}, "bias_correction": true}, "rules": [
      {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 3}},
      {"sites": "act*.output", "quantizer": {"type": "uniform", "bits": 8}}]}})");
  const auto into = [&](const fs::path& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"quantize",  finished_smoke().string(), "--config", config.string(), "--out",
                                       run.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  REQUIRE(run_tempera(into(folder / "undisturbed")).status == 0);
  Process process({.arguments = into(folder / "stopped")});
  REQUIRE(process.says("writing to"));
  process.send(SIGINT);
  const Finished stopped = process.finish();
  CHECK(stopped.status == 130);
  CHECK(has(stopped.err, "--resume begins again"));
  CHECK_FALSE(has(stopped.err, "checkpoint"));  // nothing was trained
  CHECK(json_in(folder / "stopped" / "summary.json")["status"] == "interrupted");
  CHECK_FALSE(fs::exists(folder / "stopped" / "program.safetensors"));

  const Finished refused = run_tempera(into(folder / "stopped"));
  CHECK(refused.status == 1);
  CHECK(has(refused.err, "--resume"));
  REQUIRE(run_tempera(into(folder / "stopped", {"--resume"})).status == 0);
  REQUIRE(repeatable(folder / "stopped") == repeatable(folder / "undisturbed"));
  for (const std::string& name : repeatable(folder / "undisturbed")) {
    CHECK_MESSAGE(content(folder / "stopped" / name) == content(folder / "undisturbed" / name), name);
  }
}
