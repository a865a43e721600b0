// Files of every version of the program format, as they were when it was new. Oracle: tests/golden/make_programs.py, which writes
// them by the description in docs/guide/program-files.md and computes their results in Python's whole numbers.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/program_file.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(TEMPERA_SOURCE_DIR) / "tests" / "golden";

TEST_CASE("stored files of every version are read, and give the integers that were computed when they were stored") {
  nlohmann::json golden;
  std::ifstream(kGolden / "programs.json") >> golden;
  const auto samples = golden["samples"].get<std::vector<std::vector<double>>>();
  core::Tensor x({static_cast<std::int64_t>(samples.size()), 2, 4, 4});
  std::size_t at = 0;
  for (const std::vector<double>& sample : samples) {
    for (const double value : sample) x.mutable_values()[at++] = static_cast<Scalar>(value);
  }
  for (const std::string version : {"1", "2"}) {
    CAPTURE(version);
    const fs::path file = kGolden / ("program_format" + version + ".safetensors");
    REQUIRE(bytes_of(file).find(R"("tempera.program": ")" + version + "\"") != std::string::npos);
    const Program program = load_program(file);
    CHECK(program.metadata.at("labels") == "a b c d");
    std::vector<std::int32_t> expected;
    for (const auto& row : golden["format" + version]) {
      for (const auto& value : row) expected.push_back(value.get<std::int32_t>());
    }
    REQUIRE(expected.size() == 4 * samples.size());
    CHECK(run_reference(program, x).values == expected);
    Engine engine(program);
    const std::span<const std::int32_t> ran = engine.run(x);
    CHECK(std::vector<std::int32_t>(ran.begin(), ran.end()) == expected);
    // Written again it is of the same version, as no newer one is needed.
    const TemporaryFolder folder;
    save_program(folder / "again", program);
    CHECK(bytes_of(folder / "again").find(R"("tempera.program":")" + version + "\"") != std::string::npos);
    CHECK(run_reference(load_program(folder / "again"), x).values == expected);
  }
}

TEST_CASE("a version that never was or is yet to come is refused by its name and those that are read") {
  const std::string whole = bytes_of(kGolden / "program_format1.safetensors"), key = R"("tempera.program": ")";
  const std::size_t at = whole.find(key);
  REQUIRE(at != std::string::npos);
  const TemporaryFolder folder;
  for (const char version : {'0', '3', '9', 'x'}) {
    std::string other = whole;
    other[at + key.size()] = version;
    std::ofstream(folder / "p", std::ios::binary) << other;
    CHECK_THROWS_WITH_AS(
        static_cast<void>(load_program(folder / "p")),
        doctest::Contains((std::string("has program format ") + version + ", this program reads 1 and 2").c_str()),
        core::CheckpointError);
  }
}

}  // namespace
