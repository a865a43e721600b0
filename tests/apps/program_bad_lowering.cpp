// What has no form in integers, through the program: told before anything is trained or written. Oracle: the layer's name and the
// rule that it breaks, by docs/guide/integer-arithmetic.md.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "smoke.hpp"

using namespace program;
namespace fs = std::filesystem;

namespace {

constexpr const char* kRules = R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}},
    {"sites": "fc1.output", "quantizer": {"type": "uniform", "bits": 8, "signed": true}},
    {"sites": "a1.output", "quantizer": {"type": "uniform", "bits": 8, "signed": true}})";

// fc1, the layer, fc2. So many epochs that whoever waited for them would know.
Finished lowered(const TemporaryFolder& folder, const std::string& layer, const std::string& rules, int epochs = 1) {
  const fs::path config = write(folder / "config.json", R"({"name": "l",
    "data": {"name": "synthetic_digits", "validation": 0},
    "model": {"layers": [{"type": "flatten"}, {"type": "linear", "name": "fc1", "out": 8},
      )" + layer + R"(, {"type": "linear", "name": "fc2", "out": 10}]},
    "train": {"epochs": )" + std::to_string(epochs) + R"(, "batch": 64},
    "quantization": {"rules": [)" + rules + R"(]}, "lower": {}})");
  return run_tempera({"run", config.string(), "--out", (folder / "run").string()});
}

std::string named(const std::string& type) { return R"({"type": ")" + type + R"(", "name": "a1"})"; }

void check_refused(const std::string& layer, const std::string& rules, const std::vector<std::string>& said) {
  TemporaryFolder folder;
  const Finished done = lowered(folder, layer, rules, 100000);
  CAPTURE(layer);
  CHECK(done.status == 2);
  CHECK_MESSAGE(has(done.err, "config.json:"), done.err);
  CHECK_MESSAGE(has(done.err, "/lower"), done.err);
  for (const std::string& part : said) CHECK_MESSAGE(has(done.err, part), done.err);
  CHECK_FALSE(has(done.err, "epoch 1/"));
  CHECK_FALSE(fs::exists(folder / "run"));
}

}  // namespace

TEST_CASE("a layer without integers is refused before training with its name and the reason") {
  check_refused(named("layer_norm"), kRules, {"layer_norm \"a1\"", "a deviation of its own"});
  check_refused(named("softmax"), kRules, {"softmax \"a1\"", "logits"});
  check_refused(R"({"type": "relu", "name": "a1"}, {"type": "batch_norm", "name": "bn"})", kRules,
                {"batch_norm \"bn\"", "folded into the weights before it", "\"a1.output\" between them"});
}

TEST_CASE("a value that no rule takes is refused before training with the rules that could") {
  const std::string weights = R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}})";
  for (const char* type : {"gelu", "sigmoid", "tanh", "softplus", "leaky_relu"}) {
    check_refused(named(type), weights, {std::string(type) + " \"a1\"", "\"fc1.output\" or \"a1.input\""});
  }
  check_refused(named("relu"), weights, {"linear \"fc2\"", "its input is not quantized"});
  check_refused(named("relu"), R"({"sites": "a1.output", "quantizer": {"type": "uniform", "bits": 8}})",
                {"linear \"fc1\"", "no rule takes \"fc1.weight\""});
}

TEST_CASE("weights and values of a form that products of integers do not take are refused before training") {
  const std::string rest = R"(, {"sites": "a1.output", "quantizer": {"type": "uniform", "bits": 8}})";
  const auto weights = [&rest](const std::string& quantizer) {
    return R"({"sites": "*.weight", "quantizer": )" + quantizer + "}" + rest;
  };
  check_refused(named("relu"), weights(R"({"type": "uniform", "bits": 16})"), {"fc1.weight", "2 to 8 bits, not of 16"});
  check_refused(named("relu"), weights(R"({"type": "float16"})"), {"fc1.weight", "no integers times a scale"});
  check_refused(named("relu"), weights(R"({"type": "uniform", "bits": 4, "granularity": "per_group", "group": 7})"),
                {"fc1.weight", "several scales within a channel"});
}

TEST_CASE("the layers that have tables or bounds in integers pass the same check, and their programs are proved") {
  for (const char* type : {"gelu", "sigmoid", "tanh", "softplus", "leaky_relu", "relu", "relu6"}) {
    CAPTURE(type);
    TemporaryFolder folder;
    const Finished done = lowered(folder, named(type), kRules);
    REQUIRE_MESSAGE(done.status == 0, done.err);
    CHECK(json_in(folder / "run" / "summary.json")["verification"]["equal"] == true);
  }
}

TEST_CASE("dynamic rules that no product can follow are refused before training, at the rule") {
  const auto planned = [](const std::string& rules) {
    return run_tempera(
        {"run", "configs/smoke.json", "--dry-run", "--set", "quantization={\"rules\": [" + rules + "]}"});
  };
  const std::string dynamic = R"("how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}})";
  const std::string weights = R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}}, )";
  const Finished unread = planned(weights + R"({"sites": "fc2.output", )" + dynamic);
  CHECK(unread.status == 2);
  CHECK_MESSAGE(has(unread.err, "/quantization/rules/1/sites: "), unread.err);
  CHECK_MESSAGE(has(unread.err, "no linear layer or convolution reads"), unread.err);
  const Finished floats = planned(R"({"sites": "fc1.weight", "quantizer": {"type": "uniform", "bits": 8}},
                                     {"sites": "fc*.input", )" +
                                  dynamic);
  CHECK(floats.status == 2);
  CHECK_MESSAGE(has(floats.err, "/quantization/rules/1/sites: "), floats.err);
  CHECK_MESSAGE(has(floats.err, "fc2"), floats.err);
  CHECK_MESSAGE(has(floats.err, "not quantized"), floats.err);
  const Finished sound = planned(weights + R"({"sites": "fc*.input", )" + dynamic);
  CHECK_MESSAGE(sound.status == 0, sound.err);
}

TEST_CASE("stochastic rounding, which no average may have, is neither offered nor taken") {
  const Finished explained = run_tempera({"explain", "lower.average_rounding"});
  REQUIRE(explained.status == 0);
  CHECK_MESSAGE(has(explained.out, "half_even, half_away, half_up, floor"), explained.out);
  CHECK_FALSE(has(explained.out, "stochastic"));
  const Finished done =
      run_tempera({"run", "configs/smoke-quant.json", "--dry-run", "--set", "lower.average_rounding=stochastic"});
  CHECK(done.status == 2);
  CHECK_MESSAGE(has(done.err, "/lower/average_rounding: must be one of"), done.err);
  CHECK(run_tempera({"run", "configs/smoke-quant.json", "--dry-run", "--set", "lower.average_rounding=floor"}).status ==
        0);
}
