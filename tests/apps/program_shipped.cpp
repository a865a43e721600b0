// What is evaluated is what is shipped, and said of it what it is. Oracles: another network's own results, the config's rules, and
// files whose bytes were changed.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "smoke.hpp"
#include "tempera/nn/safetensors.hpp"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::string rules_of(int bits) {
  return R"({"quantization": {"calibration": {"images": 200}, "rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": )" +
         std::to_string(bits) + R"(, "granularity": "per_channel"}},
    {"sites": "act*.output", "quantizer": {"type": "uniform", "bits": 8}}]}, "lower": {}})";
}

constexpr const char* kDynamic = R"({"quantization": {"rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8}},
    {"sites": "fc2.input", "how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}}]}})";

json quantized(const TemporaryFolder& folder, const std::string& name, const std::string& config) {
  return result({"quantize", finished_smoke().string(), "--config",
                 write(folder.path() / (name + ".json"), config).string(), "--out", (folder.path() / name).string()});
}

}  // namespace

TEST_CASE("eval of a lowered run evaluates the program that lies there, not one that it makes of the model") {
  TemporaryFolder folder;
  const json few = quantized(folder, "few", rules_of(2));
  quantized(folder, "many", rules_of(8));
  const fs::path program = folder / "many" / "program.safetensors";
  fs::copy_file(folder / "few" / "program.safetensors", program, fs::copy_options::overwrite_existing);
  const json measured = result({"eval", (folder / "many").string()});
  CHECK(measured["mode"] == "integer");
  CHECK(measured["nll"] == few["results"]["integer"]["test"]["nll"]);
  fs::resize_file(program, 100);
  const Finished damaged = run_tempera({"eval", (folder / "many").string()});
  CHECK(damaged.status == 1);
  CHECK_MESSAGE(has(damaged.err, program.string()), damaged.err);
  fs::remove(program);
  const Finished anew = run_tempera({"eval", (folder / "many").string()});
  CHECK(anew.status == 0);
  CHECK_MESSAGE(has(anew.err, "is not there: the model is lowered now"), anew.err);
}

TEST_CASE("layers that multiply integers and layers that multiply floats are told apart, before training too") {
  TemporaryFolder folder;
  const Finished planned =
      run_tempera({"describe", "configs/smoke.json", "--no-estimate", "--set",
                   "quantization=" + json::parse(kDynamic)["quantization"].dump(), "--set", "lower=null"});
  REQUIRE_MESSAGE(planned.status == 0, planned.err);
  CHECK_MESSAGE(has(planned.out, "integers are multiplied in fc2; floats in fc1"), planned.out);
  quantized(folder, "dynamic", kDynamic);
  const json arithmetic = result({"describe", (folder / "dynamic").string(), "--no-estimate"})["arithmetic"];
  CHECK(arithmetic == json::parse(R"({"integers": ["fc2"], "floats": ["fc1"]})"));
  const json refused = result({"describe", "configs/smoke-quant.json", "--no-estimate", "--set",
                               R"(quantization.rules=[{"sites":"act1.output","quantizer":{"type":"uniform"}}])"});
  const std::string reason = refused["arithmetic"]["refused"];
  CHECK_MESSAGE(has(reason, "fc1"), reason);
  CHECK_MESSAGE(has(reason, "not quantized"), reason);
}

TEST_CASE("packed weights are no floats to evaluate") {
  TemporaryFolder folder;
  quantized(folder, "dynamic", kDynamic);
  const std::string packed = (folder / "dynamic" / "packed.safetensors").string();
  CHECK(result({"eval", packed})["mode"] == "integer");
  const Finished floats = run_tempera({"eval", packed, "--mode", "float"});
  CHECK(floats.status != 0);
  CHECK_MESSAGE(has(floats.err, "model.safetensors"), floats.err);
}

TEST_CASE("a weight that is not finite is named with its file by whatever reads the model") {
  TemporaryFolder folder;
  const fs::path file = folder / "model.safetensors";
  fs::copy_file(finished_smoke() / "model.safetensors", file);
  std::string bytes = content(file);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  json description = json::parse(bytes.substr(8, header));
  description["__metadata__"].erase("tempera.crc32");
  const auto at = description["fc2.weight"]["data_offsets"][0].get<std::size_t>();
  std::string values = bytes.substr(8 + header);
  const float infinity = std::numeric_limits<float>::infinity();
  std::memcpy(values.data() + at + 3 * sizeof(float), &infinity, sizeof infinity);
  std::string text = description.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  header = text.size();
  write(file, std::string(reinterpret_cast<const char*>(&header), 8) + text + values);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"eval", file.string()}, std::vector<std::string>{"describe", file.string()}}) {
    const Finished done = run_tempera(command);
    CHECK(done.status == 1);
    for (const std::string& fact : {std::string("fc2.weight"), std::string("value 3"), file.string()})
      CHECK_MESSAGE(has(done.err, fact), done.err);
  }
}

TEST_CASE("a study takes the scores of a finished run whose model is gone, and says so; a run alone refuses") {
  TemporaryFolder folder;
  const std::vector<std::string> study{"run",   "configs/smoke.json",       "--set", R"(study={"vary":{"seed":[1,2]}})",
                                       "--out", (folder / "study").string()};
  REQUIRE(run_tempera(study).status == 0);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "study")) {
    if (entry.is_directory() && entry.path().filename().string().starts_with("0002"))
      fs::remove(entry.path() / "model.safetensors");
  }
  const Finished again = run_tempera(study);
  CHECK(again.status == 0);
  CHECK_MESSAGE(has(again.err, "model.safetensors is missing"), again.err);
}

TEST_CASE("settings that the time of quantization leaves without effect are named") {
  TemporaryFolder folder;
  const auto noted = [&](const std::string& when, const std::string& set) {
    const Finished done = run_tempera({"run", "configs/smoke-quant.json", "--set", "quantization.when=" + when, "--set",
                                       "quantization." + set, "--out", (folder.path() / when).string()});
    CHECK_MESSAGE(done.status == 0, done.err);
    return done.err;
  };
  const std::string after = noted("after", "freeze_observers=1"), aware = noted("aware", "calibration.equalize=true");
  CHECK_MESSAGE(has(after, R"(without effect in "quantization", as "when" is "after": freeze_observers)"), after);
  CHECK_MESSAGE(has(aware, R"(without effect in "quantization", as "when" is "aware": calibration.equalize)"), aware);
}

TEST_CASE("the temperature study of a set without sevens looks at the last class") {
  TemporaryFolder folder;
  const Finished done = run_tempera(
      {"run", "configs/smoke.json", "--set", "data.name=synthetic_blobs", "--set", "data.synthetic.classes=4", "--set",
       R"(model.layers=[{"type":"flatten"},{"type":"linear","out":4}])", "--out", (folder / "run").string()});
  REQUIRE_MESSAGE(done.status == 0, done.err);
  CHECK(json_in(folder / "run" / "temperature.json")["sample"]["label"] == 3);
}
