// tempera verify and eval of programs of integers, whole, alone, foreign and damaged. Oracles: the summary of the run that
// made them, and a program altered in a known place.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "smoke.hpp"
#include "tempera/quant/program_file.hpp"

using namespace program;
namespace quant = ::tempera::quant;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// A copy of the quantized smoke run whose program may be altered.
fs::path copied_run(const TemporaryFolder& folder) {
  fs::create_directories(folder / "run");
  for (const char* name : {"model.safetensors", "program.safetensors"}) {
    fs::copy(finished_smoke_quant() / name, folder / "run" / name);
  }
  return folder / "run";
}

void alter(const fs::path& file, const std::function<void(quant::Program&)>& change) {
  quant::Program program = quant::load_program(file);
  change(program);
  quant::save_program(file, program);
}

quant::program::Linear& linear(quant::Program& program, int which) {
  for (quant::Instruction& instruction : program.instructions) {
    auto* found = std::get_if<quant::program::Linear>(&instruction.operation);
    if (found != nullptr && which-- == 0) return *found;
  }
  throw std::runtime_error("no such linear layer");
}

void check_refused(const fs::path& model, const std::vector<std::string>& said, const char* verb = "verify") {
  const Finished done = program::run_tempera({verb, model.string()});
  CHECK(done.status == 1);
  const std::string all = done.out + done.err;
  for (const std::string& part : said) CHECK_MESSAGE(has(all, part), all);
}

}  // namespace

TEST_CASE("verify compares 784 + 32 + 10 integers of each of 200 images, as the run itself did") {
  const json proof = result({"verify", finished_smoke_quant().string()});
  const json noted = json_in(finished_smoke_quant() / "summary.json")["verification"];
  for (const char* key : {"equal", "images", "values", "float_form"}) CHECK_MESSAGE(proof[key] == noted[key], key);
  CHECK(proof["equal"] == true);
  CHECK(proof["images"] == 200);
  // The engine fuses each sum with its rounding, so both are compared with the reference once, and at sites with the model.
  CHECK(proof["values"].get<std::int64_t>() >= 200 * (784 + 32 + 10) * 2);
  CHECK(proof["roads"] == json{"fake_quant", "reference", "engine"});
  CHECK(result({"verify", finished_smoke_quant().string(), "--images", "7"})["images"] == 7);
}

TEST_CASE("verify ends with 1 and names the place where a program differs from its model") {
  TemporaryFolder folder;
  const fs::path program = copied_run(folder) / "program.safetensors";
  const std::string whole = content(program);
  const auto altered = [&](const std::function<void(quant::Program&)>& change) {
    write(program, whole);
    alter(program, change);
  };
  SUBCASE("a weight of another value") {
    altered([](quant::Program& p) {
      std::int8_t& weight = linear(p, 0).weight.values[14 * 28 + 14];  // channel 0, the middle of the image
      weight = static_cast<std::int8_t>(weight > 0 ? -7 : 7);
    });
    const Finished done = program::run_tempera({"verify", (folder / "run").string(), "--json"});
    CHECK(done.status == 1);
    const json proof = json::parse(done.out);
    CHECK(proof["equal"] == false);
    CHECK(has(proof["difference"], "fake quantization and reference differ at \"act1.output\""));
    CHECK(has(proof["difference"], "index 0:"));
  }
  SUBCASE("a bias one larger") {
    altered([](quant::Program& p) { linear(p, 1).bias[3] += 1; });
    check_refused(folder / "run", {"NOT the same network", "index 3:"});
  }
  SUBCASE("outputs of another scale, whose integers are equal") {
    altered([](quant::Program& p) {
      for (float& scale : p.buffers.back().scale) scale *= 2;
    });
    check_refused(folder / "run", {"NOT the same network", "real outputs"});
  }
  SUBCASE("pixels normalised otherwise") {
    altered([](quant::Program& p) {
      json input = json::parse(p.metadata.at("tempera.input"));
      input["normalization"]["shift"][0] = 0.25;
      p.metadata["tempera.input"] = input.dump();
    });
    check_refused(folder / "run", {"is fed otherwise", "0.25"});
  }
}

TEST_CASE("verify refuses a model that is not the program's, of the same shape or of another") {
  TemporaryFolder folder;
  const fs::path run = copied_run(folder);
  const auto other = [&](const std::string& set) {
    fs::remove_all(folder / "other");
    REQUIRE(
        program::run_tempera({"run", "configs/smoke-quant.json", "--set", set, "--out", (folder / "other").string()})
            .status == 0);
    fs::copy(folder / "other" / "model.safetensors", run / "model.safetensors", fs::copy_options::overwrite_existing);
  };
  other("seed=2");
  check_refused(run, {"NOT the same network"});
  check_refused(run / "program.safetensors", {"NOT the same network"});  // the model beside it is found
  other("model.layers.1.out=24");
  check_refused(run, {"shape", "it is not the program of this model"});
  check_refused(finished_smoke(), {"is not quantized"});
}

TEST_CASE("a damaged program is an error that names the file, to verify and to eval, whichever byte it is") {
  TemporaryFolder folder;
  const fs::path program = folder / "program.safetensors";
  const std::string whole = content(finished_smoke_quant() / "program.safetensors");
  std::uint64_t header = 0;
  std::memcpy(&header, whole.data(), sizeof header);
  const std::string name = program.string();
  const auto damaged = [&](std::size_t byte, int flip) {
    std::string bytes = whole;
    bytes[byte] = static_cast<char>(bytes[byte] ^ flip);
    write(program, bytes);
    for (const char* verb : {"verify", "eval"}) check_refused(program, {name}, verb);
  };
  damaged(8 + header + 5, 1);           // the lowest bit of some number
  damaged(whole.size() - 40, 16);       // of some weight
  damaged(whole.find("shift") + 9, 1);  // of the normalization
  write(program, whole.substr(0, whole.size() / 2));
  check_refused(program, {name});
  std::string version = whole;
  version[version.find(R"("tempera.program":"1")") + 19] = '7';
  write(program, version);
  check_refused(program, {name, "program format 7, this program reads 1 and 2"});
  write(program, "");
  check_refused(program, {name});
}

TEST_CASE("a program alone is evaluated on its own test set as its run was, verified, and tested on another set") {
  TemporaryFolder folder;
  const fs::path file = folder / "alone.safetensors";
  fs::copy(finished_smoke_quant() / "program.safetensors", file);
  const json noted = json_in(finished_smoke_quant() / "summary.json")["results"]["integer"]["test"];
  const json measured = result({"eval", file.string()});
  CHECK(measured["mode"] == "integer");
  CHECK(measured["data"] == "synthetic_digits");
  for (const char* key : {"n", "errors", "accuracy", "loss", "nll", "ece"})
    CHECK_MESSAGE(measured[key] == noted[key], key);
  CHECK(result({"eval", file.string(), "--split", "validation"})["n"] == 100);

  const json proof = result({"verify", file.string()});
  CHECK(proof["equal"] == true);
  CHECK(proof["images"] == 200);
  CHECK(proof["roads"] == json{"reference", "engine"});
  CHECK(has(program::run_tempera({"verify", file.string()}).out, "fake quantization was not compared"));

  // A folder of nothing else is as good as the file.
  fs::rename(file, folder / "program.safetensors");
  CHECK(result({"eval", folder.path().string()})["errors"] == noted["errors"]);
  CHECK(result({"verify", folder.path().string()})["images"] == 200);

  const json other = result({"eval", (folder / "program.safetensors").string(), "--data", "synthetic_random"});
  CHECK(other["data"] == "synthetic_random");
  CHECK(other["accuracy"] < 0.5);  // labels of chance
  for (const char* mode : {"float", "fake_quant"}) {
    const Finished refused = program::run_tempera({"eval", (folder / "program.safetensors").string(), "--mode", mode});
    CHECK(refused.status == 1);
    CHECK_MESSAGE(has(refused.err, "program of integers"), refused.err);
  }
}

TEST_CASE("a program says where its data are only as far as they are not the usual ones") {
  const quant::Program program = quant::load_program(finished_smoke_quant() / "program.safetensors");
  CHECK(json::parse(program.metadata.at("tempera.data")) == json{{"name", "synthetic_digits"}, {"validation", 100}});
  CHECK(json::parse(program.metadata.at("tempera.input"))["classes"].size() == 10);
  CHECK_FALSE(program.metadata.contains("tempera.config"));
}

TEST_CASE("an arithmetic that a model does not have is refused with what it has") {
  for (const char* mode : {"fake_quant", "integer"}) {
    const Finished done = program::run_tempera({"eval", finished_smoke().string(), "--mode", mode});
    CHECK(done.status == 1);
    CHECK(has(done.err, "not quantized"));
  }
  CHECK(program::run_tempera({"eval", finished_smoke().string(), "--mode", "int8"}).status == 2);
}
