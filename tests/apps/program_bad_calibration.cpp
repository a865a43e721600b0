// Data, models and numbers that make ranges hard to choose, through the program. Oracle: each either is refused by an error
// that says what, where and why, or gives a program that verify proves, of ranges that can be told by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "pixel_set.hpp"
#include "smoke.hpp"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kObservers[] = {"min_max", "moving_average", "percentile",         "mse",
                                      "entropy", "least_squares",  "standard_deviations"};

// A network that is not trained, only calibrated on the set and lowered.
Finished calibrated(const TemporaryFolder& folder, const std::vector<std::string>& sets = {}) {
  const fs::path config = write(folder / "config.json", R"({"name": "calibrated",
    "data": {"name": "npy", "dir": ")" + (folder / "set").string() +
                                                            R"(", "classes": 2, "validation": 0, "normalize": "none"},
    "model": {"layers": [{"type": "flatten"},
      {"type": "linear", "name": "fc1", "out": 6, "init": {"type": "constant", "value": 0.5}},
      {"type": "relu", "name": "act1"}, {"type": "linear", "name": "fc2", "out": 2}]},
    "train": {"epochs": 0},
    "quantization": {"when": "after", "rules": [
      {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_channel"}},
      {"sites": "act1.output", "quantizer": {"type": "uniform", "bits": 8}},
      {"sites": "input", "quantizer": {"type": "uniform", "bits": 8}}]},
    "lower": {}})");
  std::vector<std::string> arguments{"run", config.string(), "--out", (folder / "run").string()};
  for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
  return run_tempera(arguments);
}

void check_refused(const Finished& done, int status, const std::vector<std::string>& said) {
  CHECK(done.status == status);
  for (const std::string& part : said) CHECK_MESSAGE(has(done.err, part), done.err);
}

// Where a tensor of a safetensors file stands in its bytes.
std::pair<std::size_t, std::size_t> place_of(const std::string& bytes, const std::string& name) {
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const json tensors = json::parse(bytes.substr(8, header));
  const json& offsets = tensors.at(name).at("data_offsets");
  return {8 + header + offsets[0].get<std::size_t>(), 8 + header + offsets[1].get<std::size_t>()};
}

std::vector<float> floats_in(const fs::path& file, const std::string& name) {
  const std::string bytes = content(file);
  const auto [begin, end] = place_of(bytes, name);
  std::vector<float> values((end - begin) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + begin, end - begin);
  return values;
}

// The smoke run's model with `value` in place of the first `count` weights of its first layer.
fs::path model_with(const TemporaryFolder& folder, float value, std::size_t count) {
  std::string bytes = content(finished_smoke() / "model.safetensors");
  const std::size_t begin = place_of(bytes, "fc1.weight").first;
  for (std::size_t i = 0; i < count; ++i) std::memcpy(bytes.data() + begin + i * sizeof value, &value, sizeof value);
  const std::string checksum = "tempera.crc32";  // under another name, as in files of other writers
  bytes.replace(bytes.find(checksum), checksum.size(), "another.crc32");
  return write(folder / "model.safetensors", bytes);
}

Finished quantized(const TemporaryFolder& folder, const fs::path& model, const std::vector<std::string>& sets = {}) {
  std::vector<std::string> arguments{"quantize", model.string(),           "--config", "configs/smoke-quant.json",
                                     "--out",    (folder / "run").string()};
  for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
  return run_tempera(arguments);
}

bool proved(const TemporaryFolder& folder) {
  return json_in(folder / "run" / "summary.json")["verification"]["equal"].get<bool>();
}

}  // namespace

TEST_CASE("zeros, constants, subnormal and huge pixels are calibrated by every observer to a program that is proved") {
  constexpr float kTiny = 1e-44F;
  for (const auto& [first, rest] : {std::pair(0.0F, 0.0F), std::pair(0.7F, 0.7F), std::pair(-3.0F, -3.0F),
                                    std::pair(1e30F, 0.5F), std::pair(kTiny, 0.0F), std::pair(1.0F, 0.0F)}) {
    for (const char* observer : kObservers) {
      CAPTURE(first);
      CAPTURE(rest);
      CAPTURE(observer);
      TemporaryFolder folder;
      write_set(folder / "set", 5, first, rest);
      std::vector<std::string> sets;
      for (const char* rule : {"1", "2"}) {
        sets.push_back(std::string("quantization.rules.") + rule + ".quantizer.observer={\"type\":\"" + observer +
                       "\"}");
      }
      const Finished done = calibrated(folder, sets);
      REQUIRE_MESSAGE(done.status == 0, done.err);
      CHECK(proved(folder));
    }
  }
}

TEST_CASE("one image is enough to calibrate with, and none is refused") {
  TemporaryFolder folder;
  write_set(folder / "set", 1, 0.25F, 1.0F);
  REQUIRE(calibrated(folder).status == 0);
  CHECK(proved(folder));
  // act1 has to reach half of fifteen ones and of a quarter, and the largest of the biases.
  const fs::path model = folder / "run" / "model.safetensors";
  const std::vector<float> biases = floats_in(model, "fc1.bias");
  const float largest = *std::max_element(biases.begin(), biases.end());
  CHECK(floats_in(model, "act1.output.scale")[0] * 255 == doctest::Approx(7.625F + largest));
  TemporaryFolder none;
  write_set(none / "set", 4, 1, 1);
  check_refused(calibrated(none, {"quantization.calibration.images=0"}), 2,
                {"/quantization/calibration/images", "≥ 1", "0"});
  // Numbers so large that counting with them would overflow, or batches take all memory.
  const std::string most = "9223372036854775807";
  check_refused(calibrated(none, {"quantization.calibration.batch=" + most}), 2,
                {"/quantization/calibration/batch", "≤ 1000000", most});
  check_refused(calibrated(none, {"quantization.calibration.adaround={\"batch\":100000000000}"}), 2,
                {"/quantization/calibration/adaround/batch", "≤ 1000000", "100000000000"});
  check_refused(calibrated(none, {"quantization.start_epoch=" + most}), 2,
                {"/quantization/start_epoch", "≤ 1000000", most});
  check_refused(calibrated(none, {"data.validation=4"}), 2, {"validation"});
  CHECK_FALSE(fs::exists(none / "run"));
}

TEST_CASE("pixels that are no numbers are refused with their file and place, sums that are none with their site") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    CAPTURE(bad);
    TemporaryFolder folder;
    write_set(folder / "set", 5, bad, 0.5F);
    check_refused(calibrated(folder), 1, {"_images.npy", "must be finite", "element 5"});
    CHECK_FALSE(fs::exists(folder / "run"));
  }
  TemporaryFolder folder;
  write_part(folder / "set", "train", 5, 3e38F, 3e38F);  // sixteen halves of it are beyond float32
  write_part(folder / "set", "test", 3, 1, 1);
  const Finished done = calibrated(folder);
  check_refused(done, 1, {"act1.output", "not finite", "inf"});
  CHECK(json_in(folder / "run" / "summary.json")["status"] == "failed");
}

TEST_CASE("a model with a weight that is no number is refused with the weight's name") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    TemporaryFolder folder;
    check_refused(quantized(folder, model_with(folder, bad, 1)), 1,
                  {"fc1.weight", "not finite", bad > 0 ? "inf" : "nan"});
  }
}

TEST_CASE("a channel with an outlier of 1e30, or of zeros alone, leaves the other channels as they are") {
  for (const auto& [value, count] : {std::pair(1e30F, std::size_t{1}), std::pair(0.0F, std::size_t{784}),
                                     std::pair(0.0F, std::size_t{784 * 32}), std::pair(1e-44F, std::size_t{784})}) {
    CAPTURE(value);
    CAPTURE(count);
    TemporaryFolder folder;
    const Finished done = quantized(folder, model_with(folder, value, count));
    REQUIRE_MESSAGE(done.status == 0, done.err);
    CHECK(proved(folder));
  }
}

TEST_CASE("bits and scales that no grid has are refused with the rule and what came, before anything is written") {
  TemporaryFolder folder;
  const std::string quantizer = "quantization.rules.0.quantizer.";
  for (const char* bits : {"0", "1", "17", "33", "-4"}) {
    CAPTURE(bits);
    const Finished done = quantized(folder, finished_smoke(), {quantizer + "bits=" + bits});
    check_refused(done, 2, {"/quantization/rules/0/quantizer/bits", "≥ 2 and ≤ 16", std::string("got ") + bits});
    CHECK_MESSAGE(has(done.err, "binary networks") == (std::atoi(bits) < 2), done.err);
  }
  for (const char* type : {"quantized_relu", "pact", "smoothed_sigmoid"}) {
    for (const char* alpha : {"0", "-1", "1e-50", "1e39"}) {
      CAPTURE(type);
      CAPTURE(alpha);
      check_refused(quantized(folder, finished_smoke(),
                              {std::string("quantization.rules.1.quantizer={\"type\":\"") + type +
                               "\",\"alpha\":" + alpha + "}"}),
                    2, {"/quantization/rules/1/quantizer/alpha", "≥ 1e-30 and ≤ 1e+30"});
    }
  }
  for (const char* scale : {"0", "-0.5"}) {
    check_refused(quantized(folder, finished_smoke(), {quantizer + "scale=" + scale}), 2,
                  {"/quantization/rules/0/quantizer/scale", "> 0", std::string("got ") + scale});
  }
  for (const char* scale : {"1e-40", "1e+39"}) {
    check_refused(quantized(folder, finished_smoke(), {quantizer + "scale=" + scale}), 2,
                  {"\"scale\" must be a normal float32 number", std::string("received ") + scale, "fc1.weight"});
  }
  CHECK_FALSE(fs::exists(folder / "run"));
}

TEST_CASE(
    "batches of calibration beyond any memory are refused, and of more images than there are, taken as they are") {
  TemporaryFolder folder;
  for (const char* batch : {"1000001", "9223372036854775807"}) {
    for (const char* set : {"quantization.calibration.batch=", "quantization.calibration.adaround.batch="}) {
      check_refused(quantized(folder, finished_smoke(), {std::string(set) + batch}), 2, {"/batch", "≤ 1000000", batch});
    }
  }
  CHECK_FALSE(fs::exists(folder / "run"));
  const Finished done =
      quantized(folder, finished_smoke(),
                {"quantization.calibration.batch=1000000", "quantization.calibration.bias_correction=true",
                 R"(quantization.calibration.adaround={"batch": 1000000, "images": 20, "iterations": 20})"});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(proved(folder));
}

TEST_CASE(
    "numbers on the command line that are none, or too small or large, are refused with their bounds in few words") {
  for (const char* budget : {"0", "-1", "nan", "inf", "1e300", "many"}) {
    const Finished done = run_tempera({"quantize", finished_smoke().string(), "--config", "configs/smoke-quant.json",
                                       "--search", "--budget", budget});
    CAPTURE(budget);
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, "--budget"), done.err);
    CHECK(done.err.size() < 200);
  }
  for (const char* images : {"0", "-1", "1e300", "nan"}) {
    const Finished done = run_tempera({"verify", finished_smoke_quant().string(), "--images", images});
    CAPTURE(images);
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, "--images"), done.err);
    CHECK(done.err.size() < 200);
  }
}
