// tempera quantize, --search, and describe of what they make. Oracles: the float run's own summary, sizes and costs by hand,
// and every assignment of bits tried.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "smoke.hpp"
#include "tempera/nn/safetensors.hpp"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kFc1 = 784 * 32, kFc2 = 32 * 10, kBiases = 32 + 10;

constexpr const char* kStatic = R"({"quantization": {"calibration": {"images": 200}, "rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_channel"}},
    {"sites": "fc2.*", "quantizer": null},
    {"sites": "fc2.weight", "quantizer": {"type": "uniform", "bits": 8}},
    {"sites": "act*.output", "quantizer": {"type": "uniform", "bits": 8}}]}, "lower": {}})";

json quantized(const fs::path& config, const fs::path& out) {
  return result({"quantize", finished_smoke().string(), "--config", config.string(), "--out", out.string()});
}

json site_named(const json& sites, const std::string& name) {
  const auto found = std::ranges::find_if(sites, [&](const json& site) { return site["site"] == name; });
  REQUIRE_MESSAGE(found != sites.end(), name);
  return *found;
}

}  // namespace

TEST_CASE(
    "quantize keeps the float network, makes a program and proves it; eval measures the same in every arithmetic") {
  TemporaryFolder folder;
  const fs::path run = folder / "quantized";
  const json summary = quantized(write(folder / "static.json", kStatic), run);
  const json floats = json_in(finished_smoke() / "summary.json")["results"]["float"]["test"];
  for (const char* key : {"n", "errors", "nll"}) CHECK(summary["results"]["float"]["test"][key] == floats[key]);
  // 8-bit activations and 4-bit weights change few of 200 answers.
  CHECK(std::abs(summary["results"]["integer"]["test"]["errors"].get<int>() - floats["errors"].get<int>()) <= 20);
  for (const char* mode : {"float", "fake_quant", "integer"}) {
    CAPTURE(mode);
    const json measured = result({"eval", run.string(), "--mode", mode, "--dump-logits", (folder / mode).string()});
    CHECK(measured["mode"] == mode);
    for (const char* key : {"n", "errors", "accuracy", "nll", "ece"}) {
      CHECK_MESSAGE(measured[key] == summary["results"][mode]["test"][key], key);
    }
  }
  CHECK(content(folder / "fake_quant") == content(folder / "integer"));
  CHECK(content(folder / "float") != content(folder / "integer"));
  CHECK(result({"eval", run.string()})["mode"] == "integer");
  CHECK(result({"eval", run.string()})["model"] == (run / "program.safetensors").string());
  CHECK(result({"eval", run.string(), "--mode", "float"})["model"] == (run / "model.safetensors").string());
  const json initial = json_in(run / "provenance.json")["initial"];
  CHECK(initial["model"] == fs::absolute(finished_smoke() / "model.safetensors").lexically_normal().string());
  CHECK(initial["sha256"].get<std::string>().size() == 64);
  CHECK_FALSE(result({"describe", run.string()}).contains("training"));  // of no epochs

  const json& proof = summary["verification"];
  CHECK(proof["equal"] == true);
  CHECK(proof["images"] == 200);
  CHECK(proof == json_in(run / "quantization.json")["verification"]);
  // Weights in their bits; a bias, a multiplier and a shift for each channel; what is left is the header.
  const auto size = static_cast<std::int64_t>(fs::file_size(run / "program.safetensors"));
  CHECK(summary["model"]["bytes"]["program"] == size);
  // Of the weights alone, as describe counts them: the file has its config besides, which must not pass for weights.
  const std::int64_t alone = kFc1 / 2 + kFc2 + 4 * kBiases;
  CHECK(summary["model"]["bytes"]["parameters"] == alone);
  CHECK(result({"describe", run.string(), "--no-estimate"})["bytes"] == alone);
  CHECK(summary["model"]["bytes"]["float32"] == 4 * (kFc1 + kFc2 + kBiases));
  CHECK(size > kFc1 / 2 + kFc2);
  CHECK(size < kFc1 / 2 + kFc2 + 12 * kBiases + 4096);
}

TEST_CASE("without lower what is shipped has its weights in their bits, and gives the scores of fake quantization") {
  TemporaryFolder folder;
  json config = json::parse(kStatic);
  config.erase("lower");
  const fs::path run = folder / "quantized", file = write(folder / "static.json", config.dump());
  const Finished done =
      run_tempera({"quantize", finished_smoke().string(), "--config", file.string(), "--out", run.string()});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK_MESSAGE(has(done.out, "the whole file packed.safetensors"), done.out);
  const json summary = json_in(run / "summary.json");
  const auto size = static_cast<std::int64_t>(fs::file_size(run / "packed.safetensors"));
  CHECK(summary["model"]["bytes"]["packed"] == size);
  CHECK(summary["model"]["bytes"]["stored"] == size);
  CHECK(size > kFc1 / 2 + kFc2 + 4 * kBiases);
  CHECK(size < kFc1 / 2 + kFc2 + 12 * kBiases + 8192);
  const json scores = summary["results"]["fake_quant"]["test"];
  fs::rename(run / "packed.safetensors", folder / "alone.safetensors");
  const json alone = result({"eval", (folder / "alone.safetensors").string()});
  for (const char* key : {"n", "errors", "accuracy", "nll", "ece"}) CHECK_MESSAGE(alone[key] == scores[key], key);
  const json verified = result({"verify", run.string(), "--images", "20"});  // lowered for it
  CHECK(verified["equal"] == true);
}

TEST_CASE(
    "quantize of a quantized model, without a section, or with a selector of nothing is refused before any work") {
  TemporaryFolder folder;
  const fs::path config = write(folder / "static.json", kStatic);
  const auto refused = [&](const fs::path& model, const fs::path& with, const std::string& said) {
    const Finished done =
        run_tempera({"quantize", model.string(), "--config", with.string(), "--out", (folder / "out").string()});
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, said), done.err);
    CHECK_FALSE(fs::exists(folder / "out"));
  };
  refused(finished_smoke_quant(), config, "quantized already");
  refused(finished_smoke_quant() / "program.safetensors", config, "is a program of integers, quantized already");
  refused(finished_smoke(), "configs/smoke.json", "quantization");
  std::string nothing = kStatic;
  nothing.replace(nothing.find("act*"), 4, "akt*");
  refused(finished_smoke(), write(folder / "nothing.json", nothing), "matches no site");
  const auto with = [&](const std::string& section) {
    std::string text = kStatic;
    return write(folder / "more.json", text.insert(1, section + ", "));
  };
  refused(finished_smoke(), with(R"("lowr": {})"), "did you mean \"lower\"");
  refused(finished_smoke(), with(R"("train": {"epochs": 3})"), "/train: has no effect");
  refused(finished_smoke(), with(R"("study": {"vary": {"seed": [1, 2]}})"), "/study: has no effect");
  write(folder / "base.json", R"({"extends": ")" + fs::absolute("configs/smoke.json").string() +
                                  R"(", "optimiser": {}, "train": {"batch": 0}})");
  const fs::path extended = with(R"("extends": "base.json")");
  refused(finished_smoke(), extended, "did you mean \"optimizer\"");  // both are mistakes of the file below
  refused(finished_smoke(), extended, "/train/batch");
  const Finished set = run_tempera({"quantize", finished_smoke().string(), "--config", config.string(), "--set",
                                    "data.validation=7", "--out", (folder / "out").string()});
  CHECK(set.status == 2);
  CHECK_MESSAGE(has(set.err, "--set data.validation=7: /data: has no effect"), set.err);
}

TEST_CASE("what a config says of training is refused by quantize, unless it says what is so by default") {
  TemporaryFolder folder;
  const fs::path config = write(folder / "static.json", kStatic);
  const auto with = [&](const std::string& set) {
    return run_tempera({"quantize", finished_smoke().string(), "--config", config.string(), "--set",
                        "quantization." + set, "--out", (folder / "out").string()});
  };
  for (const auto& [set, said] : {std::pair("when=aware", "/quantization/when: must be \"after\""),
                                  std::pair("when=never", "/quantization/when: must be one of"),
                                  std::pair("when=5", "/quantization/when: must be one of"),
                                  std::pair("start_epoch=1", "/quantization/start_epoch: has no effect"),
                                  std::pair("freeze_observers=0", "/quantization/freeze_observers: has no effect"),
                                  std::pair("freeze_batch_norm=2", "/quantization/freeze_batch_norm: has no effect")}) {
    const Finished done = with(set);
    CAPTURE(set);
    CHECK(done.status == 2);
    CHECK_MESSAGE(has(done.err, said), done.err);
    CHECK_FALSE(fs::exists(folder / "out"));
  }
  const Finished plain = run_tempera({"quantize", finished_smoke().string(), "--config", config.string(), "--set",
                                      "quantization.when=after", "--set", "quantization.start_epoch=0", "--set",
                                      "quantization.freeze_observers=null", "--out", (folder / "out").string()});
  CHECK_MESSAGE(plain.status == 0, plain.err);
}

TEST_CASE(
    "where calibration changes the weights, the result has the floats before it and those that are saved, each by "
    "name") {
  TemporaryFolder folder;
  const fs::path config = write(folder / "static.json", kStatic), run = folder / "repaired";
  const Finished done = run_tempera({"quantize", finished_smoke().string(), "--config", config.string(), "--out",
                                     run.string(), "--set", "quantization.calibration.bias_correction=true", "--set",
                                     R"(quantization.calibration.adaround={"images": 200, "iterations": 300})", "--set",
                                     "quantization.rules.0.quantizer.bits=2"});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK_MESSAGE(has(done.out, "floats, as trained"), done.out);
  const json results = json_in(run / "summary.json")["results"];
  const json came = json_in(finished_smoke() / "summary.json")["results"]["float"]["test"];
  const json saved = result({"eval", run.string(), "--mode", "float"});
  for (const char* key : {"n", "errors", "accuracy", "nll"}) {
    CAPTURE(key);
    CHECK(results["before_calibration"]["test"][key] == came[key]);
    CHECK(results["float"]["test"][key] == saved[key]);
  }
  CHECK(results["float"]["test"]["nll"] != came["nll"]);  // weights on a grid of 2 bits are others

  const json layers = json_in(run / "summary.json")["calibration"]["adaround"];
  REQUIRE(layers.size() == 2);
  CHECK(layers[0]["layer"] == "fc1");
  CHECK(layers[0]["weights"] == kFc1);
  CHECK(layers[0]["changed"].get<int>() > 0);
  CHECK_FALSE(layers[0].contains("skipped"));
  CHECK(json_in(run / "summary.json")["calibration"]["bias_correction"].size() == 2);
  CHECK_MESSAGE(has(done.out, "adaptive rounding: fc1: "), done.out);
  // What is saved is what the weights became, so its noise is the difference from those that came.
  const auto weights = [](const fs::path& of) {
    return ::tempera::nn::SafetensorsReader(of / "model.safetensors").tensor("fc1.weight");
  };
  const auto before = weights(finished_smoke()), after = weights(run);
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < before.values().size(); ++i) {
    signal += std::pow(static_cast<double>(before.values()[i]), 2);
    noise += std::pow(static_cast<double>(after.values()[i] - before.values()[i]), 2);
  }
  const json site = site_named(json_in(run / "quantization.json")["sites"], "fc1.weight");
  CHECK(site["sqnr_db"].get<double>() == doctest::Approx(10 * std::log10(signal / noise)).epsilon(1e-3));
  CHECK(site["histogram"]["before"] != site["histogram"]["after"]);
}

TEST_CASE("layers and pairs that calibration leaves alone are in the result with the reason") {
  TemporaryFolder folder;
  const fs::path config = write(folder / "static.json", kStatic), run = folder / "repaired";
  const Finished done = run_tempera({"quantize", finished_smoke().string(), "--config", config.string(), "--out",
                                     run.string(), "--set", "quantization.calibration.equalize=true", "--set",
                                     R"(quantization.calibration.adaround={"images": 50, "iterations": 5})", "--set",
                                     R"(quantization.rules.0.quantizer={"type": "ternary"})"});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  const json calibration = json_in(run / "summary.json")["calibration"];
  REQUIRE(calibration["equalize"].size() == 1);  // relu alone stands between the two
  CHECK(calibration["equalize"][0]["first"] == "fc1");
  CHECK(calibration["equalize"][0]["second"] == "fc2");
  CHECK(calibration["adaround"][0]["layer"] == "fc1");
  CHECK_FALSE(calibration["adaround"][0]["skipped"].get<std::string>().empty());
  CHECK_FALSE(calibration["adaround"][1].contains("skipped"));
  CHECK_FALSE(calibration.contains("bias_correction"));
  CHECK_MESSAGE(has(done.out, "adaptive rounding: fc1 was skipped: "), done.out);
  CHECK_MESSAGE(has(done.out, "equalization: fc1 and fc2: "), done.out);
}

TEST_CASE("a program alone is no model to quantize, and the error says what is") {
  TemporaryFolder folder;
  fs::copy(finished_smoke_quant() / "program.safetensors", folder / "p.safetensors");
  const Finished done = run_tempera({"quantize", (folder / "p.safetensors").string(), "--config",
                                     "configs/smoke-quant.json", "--out", (folder / "out").string()});
  CHECK(done.status == 2);
  CHECK_MESSAGE(has(done.err, "program of integers"), done.err);
}

TEST_CASE(
    "a search finds the assignment of least predicted loss within its budget, and a config that gives those bits") {
  TemporaryFolder folder;
  const fs::path config = write(folder / "static.json", kStatic);
  constexpr std::int64_t kBudget = 9000;  // bytes; 4 bits everywhere are 12704
  const json found = result({"quantize", finished_smoke().string(), "--config", config.string(), "--search", "--budget",
                             std::to_string(kBudget), "--out", (folder / "search").string()});
  std::vector<json> weights;
  for (const json& site : found["sites"]) {
    if (has(site["site"], ".weight")) weights.push_back(site);
  }
  REQUIRE(weights.size() == 2);
  CHECK(weights[0]["values"] == kFc1);
  CHECK(weights[1]["values"] == kFc2);
  const auto bits_of = [](const json& point) { return point["bits"].get<std::int64_t>(); };
  double best = INFINITY;
  json expected;
  for (const json& a : weights[0]["points"]) {
    for (const json& b : weights[1]["points"]) {
      if (kFc1 * bits_of(a) + kFc2 * bits_of(b) > 8 * kBudget) continue;
      const double loss = a["loss_increase"].get<double>() + b["loss_increase"].get<double>();
      if (loss >= best) continue;
      best = loss;
      expected = {{"fc1.weight", bits_of(a)}, {"fc2.weight", bits_of(b)}};
    }
  }
  CHECK(found["chosen"]["bits"] == expected);
  CHECK(found["chosen"]["loss_increase"] == doctest::Approx(best));
  CHECK(fs::exists(folder / "search" / "search.html"));

  static_cast<void>(quantized(found["config"].get<std::string>(), folder / "quantized"));
  const json described = result({"describe", (folder / "quantized").string(), "--no-estimate"});
  for (const auto& [site, bits] : expected.items()) CHECK(site_named(described["sites"], site)["bits"] == bits);

  const Finished impossible = run_tempera({"quantize", finished_smoke().string(), "--config", config.string(),
                                           "--search", "--budget", "1000", "--out", (folder / "impossible").string()});
  CHECK(impossible.status == 2);
  // 2 bits everywhere.
  CHECK_MESSAGE(has(impossible.err, std::to_string((kFc1 + kFc2) * 2 / 8)), impossible.err);
  CHECK_FALSE(fs::exists(folder / "impossible" / "searched.json"));
}

TEST_CASE("describe lists each site with its shape, bits and rule, and counts a layer's bytes in those bits") {
  TemporaryFolder folder;
  const json model = result({"describe", finished_smoke_quant().string(), "--no-estimate"});
  const json config = result({"describe", "configs/smoke-quant.json", "--no-estimate"});
  CHECK(model["sites"] == config["sites"]);
  CHECK(model["layers"] == config["layers"]);
  const json& sites = model["sites"];
  CHECK(site_named(sites, "fc1.weight") == json{{"site", "fc1.weight"},
                                                {"shape", {32, 784}},
                                                {"quantizer", "uniform"},
                                                {"how", "static"},
                                                {"bits", 4},
                                                {"rule", "0: *.weight"}});
  CHECK(site_named(sites, "act1.output")["rule"] == "1: act*.output");
  CHECK(site_named(sites, "input")["rule"] == "default");
  CHECK(site_named(sites, "fc2.output")["rule"] == "-");
  CHECK(site_named(sites, "fc2.output")["bits"] == 32);

  const json& fc1 = model["layers"][1];
  CHECK(fc1["layer"] == "fc1");
  CHECK(fc1["bits"] == 4);
  CHECK(fc1["bytes"] == kFc1 / 2 + 32 * 4);
  CHECK(fc1["tensors"][0]["bytes"] == kFc1 / 2);
  CHECK(fc1["tensors"][1] == json{{"name", "fc1.bias"}, {"shape", {32}}, {"bits", 32}, {"bytes", 128}});
  CHECK(model["bytes"] == (kFc1 + kFc2) / 2 + kBiases * 4);
  CHECK(model["float32_bytes"] == (kFc1 + kFc2 + kBiases) * 4);
  CHECK(result({"describe", finished_smoke().string(), "--no-estimate"})["bytes"] == (kFc1 + kFc2 + kBiases) * 4);

  const Finished text = run_tempera({"describe", "configs/smoke-quant.json", "--no-estimate"});
  for (const char* said : {"12 544", "12 672", "1: act*.output", "default"}) CHECK_MESSAGE(has(text.out, said), said);
}

TEST_CASE("describe lists every site, with a dash where nothing is quantized, of a config of floats as well") {
  const std::vector<std::string> names{"input",      "flatten1.input", "flatten1.output", "fc1.input",
                                       "fc1.weight", "fc1.output",     "act1.input",      "act1.output",
                                       "fc2.input",  "fc2.weight",     "fc2.output"};
  for (const std::string config : {"configs/smoke.json", "configs/smoke-quant.json"}) {
    CAPTURE(config);
    const json document = result({"describe", config, "--no-estimate"});
    std::vector<std::string> listed;
    for (const json& site : document["sites"]) listed.push_back(site["site"]);
    CHECK(listed == names);
    const Finished text = run_tempera({"describe", config, "--no-estimate"});
    std::map<std::string, std::vector<std::string>> rows;  // by site: the words behind it
    std::istringstream lines(text.out);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string first;
      words >> first;
      rows[first] = std::vector<std::string>(std::istream_iterator<std::string>(words), {});
    }
    for (const std::string& name : names) CHECK_MESSAGE(rows.contains(name), name, " in ", text.out);
    CHECK(rows["fc1.output"] == std::vector<std::string>{"[32]", "-", "32", "-", "-"});
    CHECK(rows["act1.output"][1] == (config == "configs/smoke-quant.json" ? "uniform" : "-"));
  }
}

TEST_CASE(
    "describe of a program lists its instructions, and counts the bytes that the model's weights and biases take") {
  const fs::path file = finished_smoke_quant() / "program.safetensors";
  const json program = result({"describe", file.string()});
  std::vector<std::string> kinds;
  for (const json& instruction : program["instructions"]) kinds.push_back(instruction["instruction"]);
  CHECK(kinds == std::vector<std::string>{"quantize", "reshape", "linear", "linear"});
  const json& fc1 = program["instructions"][2];
  CHECK(fc1["layer"] == "linear \"fc1\"");
  CHECK(fc1["site"] == "act1.output");
  CHECK(fc1["weight"] == json{{"shape", {32, 784}}, {"bits", 4}});
  CHECK(fc1["low"] == 0);
  CHECK(fc1["high"] == 255);
  CHECK(fc1["requantization"] == "single");
  CHECK(program["bytes"] == (kFc1 + kFc2) / 2 + kBiases * 4);
  CHECK(program["file_bytes"] == fs::file_size(file));
  const Finished text = run_tempera({"describe", file.string()});
  CHECK(text.status == 0);
  for (const char* said : {"linear \"fc2\"", "0 … 255", "single"}) CHECK_MESSAGE(has(text.out, said), text.out);
  CHECK(run_tempera({"describe", file.string(), "--set", "seed=2"}).status == 2);
}

TEST_CASE("the resolved config lists each site with the rule that took it, and is the same run again") {
  TemporaryFolder folder;
  const json resolved = json_in(finished_smoke_quant() / "config.resolved.json");
  const json& sites = resolved["quantization"]["sites"];
  CHECK(site_named(sites, "fc1.weight") ==
        json{{"site", "fc1.weight"}, {"rule", 0}, {"quantizer", "uniform"}, {"bits", 4}, {"how", "static"}});
  CHECK(site_named(sites, "act1.output")["rule"] == 1);
  CHECK(site_named(sites, "input")["rule"] == "default");
  CHECK(site_named(sites, "fc2.output") == json{{"site", "fc2.output"}, {"rule", nullptr}});

  const Finished dry = run_tempera({"run", "configs/smoke-quant.json", "--dry-run"});
  CHECK(dry.out == content(finished_smoke_quant() / "config.resolved.json"));
  const fs::path again = folder / "again";
  REQUIRE(run_tempera({"run", (finished_smoke_quant() / "config.resolved.json").string(), "--out", again.string()})
              .status == 0);
  CHECK(content(again / "config.resolved.json") == content(finished_smoke_quant() / "config.resolved.json"));
  CHECK(content(again / "program.safetensors") == content(finished_smoke_quant() / "program.safetensors"));
  CHECK(json_in(again / "provenance.json")["run"] == json_in(finished_smoke_quant() / "provenance.json")["run"]);
  // What the list says is what the rules came to, not a rule.
  const Finished changed = run_tempera({"run", (again / "config.resolved.json").string(), "--dry-run", "--set",
                                        "quantization.rules.0.quantizer.bits=8"});
  REQUIRE(changed.status == 0);
  CHECK(site_named(json::parse(changed.out)["quantization"]["sites"], "fc1.weight")["bits"] == 8);
}
