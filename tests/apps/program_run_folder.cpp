// What a finished run leaves behind. Oracles: the contract's list of files and keys, and arithmetic on the numbers in them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "smoke.hpp"
#include "support/worse.hpp"

using namespace program;
using nlohmann::json;

namespace {

std::set<std::string> keys_of(const json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

double sum_of(const std::vector<double>& row) { return std::accumulate(row.begin(), row.end(), 0.0); }

// softmax(z/T) as the textbook has it, largest first taken away.
std::vector<double> softmax(const std::vector<double>& z, double t) {
  const double largest = *std::max_element(z.begin(), z.end());
  std::vector<double> p;
  for (const double value : z) p.push_back(std::exp((value - largest) / t));
  const double sum = sum_of(p);
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace

TEST_CASE("a finished run's folder holds the contract's files and nothing half-written") {
  CHECK(files_below(finished_smoke()) ==
        std::vector<std::string>{"checkpoints/best.safetensors", "checkpoints/last.safetensors", "config.input.json",
                                 "config.resolved.json", "evaluation.json", "metrics.jsonl", "model.safetensors",
                                 "provenance.json", "report.html", "summary.json", "temperature.json"});
  CHECK(content(finished_smoke() / "config.input.json") == content("configs/smoke.json"));
}

TEST_CASE("summary.json of 784-32-10 has the contract's keys, 25 450 parameters, 25 408 multiply-adds and 58 steps") {
  const json summary = json_in(finished_smoke() / "summary.json");
  CHECK(keys_of(summary) == std::set<std::string>{"format", "name", "status", "data", "model", "results", "training"});
  CHECK(keys_of(summary["data"]) ==
        std::set<std::string>{"requested", "used", "fallback", "train", "validation", "test", "sha256"});
  CHECK(summary["format"] == 1);
  CHECK(summary["status"] == "completed");
  CHECK(summary["data"]["requested"] == "synthetic_digits");
  CHECK(summary["data"]["fallback"] == false);
  CHECK(summary["model"]["parameters"] == 784 * 32 + 32 + 32 * 10 + 10);
  CHECK(summary["model"]["multiply_adds"] == 784 * 32 + 32 * 10);
  CHECK(summary["model"]["bytes"]["float32"] == 4 * 25450);
  CHECK(summary["model"]["bytes"]["parameters"] == 4 * 25450);
  CHECK(summary["model"]["bytes"]["stored"] == std::filesystem::file_size(finished_smoke() / "model.safetensors"));
  CHECK(keys_of(summary["results"]) == std::set<std::string>{"float", "fake_quant", "integer"});
  const json& test = summary["results"]["float"]["test"];
  CHECK(keys_of(test) == std::set<std::string>{"n", "errors", "accuracy", "loss", "nll", "ece"});
  CHECK(test["n"] == 200);
  CHECK(test["accuracy"].get<double>() == doctest::Approx(1 - test["errors"].get<double>() / 200));
  CHECK(summary["training"]["epochs"] == 2);
  CHECK(summary["training"]["steps"] == 2 * 29);  // ⌈900 / 32⌉ = 29
}

TEST_CASE("metrics.jsonl has a line per epoch and provenance.json the data's checksum of the summary") {
  const std::vector<json> lines = metrics_without_times(finished_smoke());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["epoch"] == 1);
  CHECK(lines[1]["epoch"] == 2);
  CHECK(lines[1]["step"] == 58);
  const json provenance = json_in(finished_smoke() / "provenance.json");
  for (const char* key : {"tempera", "revision", "compiler", "processor", "level", "threads"})
    CHECK(provenance.contains(key));
  CHECK(provenance["data"]["sha256"] == json_in(finished_smoke() / "summary.json")["data"]["sha256"]);
}

TEST_CASE("metrics.jsonl has the gap between soft and hard form of each epoch, where staircases are smoothed") {
  TemporaryFolder folder;
  // So little steepness that the two forms are far apart.
  const std::vector<std::string> smoothed =
      smoke(folder / "run", {"--set", R"(quantization={"start_epoch": 1, "rules": [
      {"sites": "*.weight", "quantizer": {"type": "smoothed_sigmoid", "bits": 2, "temperature": 0.5, "growth": "constant"}}]})",
                             "--set", "train.epochs=3", "--set", "analyses=[]"});
  const Finished done = run_tempera(smoothed);
  REQUIRE_MESSAGE(done.status == 0, done.err);
  const std::vector<nlohmann::json> epochs = metrics_without_times(folder / "run");
  REQUIRE(epochs.size() == 3);
  double widest = 0;
  for (const nlohmann::json& epoch : epochs) {
    const double hard = epoch["validation"]["accuracy"], soft = epoch["extra"]["validation_soft_accuracy"],
                 gap = epoch["extra"]["validation_soft_gap"];
    CHECK(gap == doctest::Approx(soft - hard));
    CHECK(100 * gap == doctest::Approx(std::round(100 * gap)));  // of 100 images
    widest = std::max(widest, std::abs(gap));
  }
  CHECK(widest >= 0.02);
  for (const nlohmann::json& epoch : metrics_without_times(finished_smoke())) {
    CHECK_FALSE(epoch["extra"].contains("validation_soft_gap"));
  }
}

TEST_CASE("temperature.json has T = 1 ... 50 and for each the softmax of the seven's logits over T") {
  const json study = json_in(finished_smoke() / "temperature.json");
  CHECK(study["format"] == 1);
  CHECK(study["sample"]["label"] == 7);
  const auto logits = study["sample"]["logits"].get<std::vector<double>>();
  REQUIRE(logits.size() == 10);
  const auto rows = study["probabilities"].get<std::vector<std::vector<double>>>();
  REQUIRE(rows.size() == 50);
  double largest_error = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(study["temperatures"][i] == static_cast<double>(i + 1));
    CHECK(sum_of(rows[i]) == doctest::Approx(1).epsilon(1e-9));
    const std::vector<double> expected = softmax(logits, static_cast<double>(i + 1));
    for (std::size_t j = 0; j < 10; ++j)
      largest_error = tempera::test::worse(largest_error, std::abs(rows[i].at(j) - expected[j]));
  }
  CHECK(largest_error < 1e-9);
}

TEST_CASE("entropy over the test set rises with T towards ln 10") {
  const json study = json_in(finished_smoke() / "temperature.json");
  const auto entropy = study["test"]["entropy"].get<std::vector<double>>();
  REQUIRE(entropy.size() == 50);
  CHECK(std::is_sorted(entropy.begin(), entropy.end()));
  CHECK(entropy.front() > 0);
  CHECK(entropy.back() < std::log(10.0));
  CHECK(entropy.back() > 0.99 * std::log(10.0));
  CHECK(study["test"]["nll"].size() == 50);
  CHECK(study["test"]["ece"].size() == 50);
  CHECK(study["best_temperature"].get<double>() > 0);
}

TEST_CASE("dark knowledge is ten rows of ten probabilities that sum to one") {
  const json study = json_in(finished_smoke() / "temperature.json");
  const auto matrix = study["dark_knowledge"].get<std::vector<std::vector<double>>>();
  REQUIRE(matrix.size() == 10);
  for (const std::vector<double>& row : matrix) {
    CHECK(row.size() == 10);
    CHECK(sum_of(row) == doctest::Approx(1).epsilon(1e-9));
    CHECK(*std::min_element(row.begin(), row.end()) >= 0);
  }
}
