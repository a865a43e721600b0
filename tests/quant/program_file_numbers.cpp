// Numbers of program files that no writer writes. Oracle: the ranges that program.hpp and docs/guide/program-files.md state.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "quant/damaged_program.hpp"
#include "quant/rewritten_program.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/program_file.hpp"

namespace {

using namespace tempera::quant;
namespace core = tempera::core;
namespace damage = tempera::quant_test::damage;

std::string refusal(const std::filesystem::path& file) {
  try {
    static_cast<void>(load_program(file));
  } catch (const core::CheckpointError& error) {
    return error.what();
  }
  return "was taken";
}

TEST_CASE("a multiplier out of range in a file is refused with the instruction's place") {
  const TemporaryFolder folder;
  Program program = damage::whole_program();
  std::get<program::Requantize>(program.instructions[damage::kRequantize].operation).requant.multipliers[0].multiplier =
      -5;
  save_program(folder / "p.safetensors", program);
  const std::string said = refusal(folder / "p.safetensors");
  CAPTURE(said);
  CHECK(said.find("p.safetensors") != std::string::npos);
  CHECK(said.find(std::to_string(damage::kRequantize)) != std::string::npos);
  CHECK(said.find("multiplier -5·2^") != std::string::npos);
}

// The places of all whole numbers of a structure.
void find_integers(const nlohmann::json& at, const nlohmann::json::json_pointer& place,
                   std::vector<nlohmann::json::json_pointer>& found) {
  if (at.is_number_integer()) found.push_back(place);
  if (at.is_object()) {
    for (const auto& [key, value] : at.items()) {
      if (key != "scale") find_integers(value, place / key, found);
    }
  }
  if (at.is_array()) {
    for (std::size_t i = 0; i < at.size(); ++i) find_integers(at[i], place / i, found);
  }
}

// 2^32 more has the same lower bits, and true counts as 1 where a reader is not careful; neither is what was written.
TEST_CASE("no whole number of a program may be one that a narrower integer would take for it, or a word") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "p.safetensors", changed = folder / "changed.safetensors";
  save_program(file, damage::whole_program());
  std::vector<nlohmann::json::json_pointer> places;
  tempera::quant_test::rewrite(file, changed, [&](const nlohmann::json& structure) {
    find_integers(structure, nlohmann::json::json_pointer(), places);
  });
  REQUIRE(refusal(changed) == "was taken");
  REQUIRE(places.size() > 150);
  const std::int64_t wraps = std::int64_t{1} << 32;
  for (const nlohmann::json::json_pointer& place : places) {
    CAPTURE(place.to_string());
    for (const std::int64_t more : {wraps, -wraps}) {
      tempera::quant_test::rewrite(file, changed, [&](nlohmann::json& structure) {
        structure[place] = structure[place].get<std::int64_t>() + more;
      });
      CHECK(refusal(changed) != "was taken");
    }
    for (const nlohmann::json& other : {nlohmann::json(true), nlohmann::json("1"), nlohmann::json()}) {
      tempera::quant_test::rewrite(file, changed, [&](nlohmann::json& structure) { structure[place] = other; });
      CHECK(refusal(changed).find("must be an integer") != std::string::npos);
    }
  }
}

TEST_CASE("a number beyond its range is refused by its key, its range and what came") {
  const TemporaryFolder folder;
  save_program(folder / "p.safetensors", damage::whole_program());
  tempera::quant_test::rewrite(folder / "p.safetensors", folder / "q.safetensors",
                               [](nlohmann::json& structure) { structure["buffers"][1]["bits"] = 4294967304; });
  CHECK(
      refusal(folder / "q.safetensors").find("\"bits\" must be from -2147483648 to 2147483647, received 4294967304") !=
      std::string::npos);
}

}  // namespace
