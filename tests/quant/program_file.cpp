// Oracles: hand-packed bytes; the program that was written.
#include "tempera/quant/program_file.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "quant/random_program.hpp"
#include "quant/rewritten_program.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/packing.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

TEST_CASE("integers are packed from the lowest bit on, in two's complement") {
  const std::vector<std::int8_t> four{1, -1, 7, -8, 3};
  const std::vector<std::byte> expected{std::byte{0xF1}, std::byte{0x87}, std::byte{0x03}};
  CHECK(pack(four, 4) == expected);
  const std::vector<std::int8_t> three{1, -1, 3, -4};  // 001 111 011 100 → bits 100 011 111 001
  const std::vector<std::byte> across{std::byte{0b11111001}, std::byte{0b00001000}};
  CHECK(pack(three, 3) == across);
}

TEST_CASE("what was packed comes back, at every width and count") {
  for (int bits = 2; bits <= 8; ++bits) {
    for (const std::size_t count : {0U, 1U, 2U, 7U, 8U, 9U, 1001U}) {
      std::vector<std::int8_t> values(count);
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % (1U << bits)) - (1 << (bits - 1)));
      }
      const std::vector<std::byte> bytes = pack(values, bits);
      CHECK(bytes.size() == packed_bytes(count, bits));
      CHECK(unpack(bytes, count, bits) == values);
    }
  }
}

std::vector<std::int32_t> results(const Program& program, const core::Tensor& x) {
  return run_reference(program, x).values;
}

TEST_CASE("a program read back gives the same bits") {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Program program = quant_test::random_program(seed);
    const core::Tensor x = quant_test::random_samples(program, 3, seed);
    program.metadata["tempera.input"] = "{}";
    save_program(folder / "p.safetensors", program);
    const Program read = load_program(folder / "p.safetensors");
    CHECK(read.metadata == program.metadata);
    CHECK(results(read, x) == results(program, x));
  }
}

TEST_CASE("a program cut off anywhere, or of another version, is refused and never crashes") {
  const TemporaryFolder folder;
  save_program(folder / "p.safetensors", quant_test::random_program(3));
  const std::string whole = bytes_of(folder / "p.safetensors");
  const auto refused = [&](const std::string& bytes) {
    std::ofstream(folder / "damaged.safetensors", std::ios::binary) << bytes;
    CHECK_THROWS_AS(static_cast<void>(load_program(folder / "damaged.safetensors")), core::CheckpointError);
  };
  for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 97) refused(whole.substr(0, length));
  std::string other = whole;
  const std::size_t version = other.find(R"("tempera.program":")");
  REQUIRE(version != std::string::npos);
  other[version + 19] = '7';
  refused(other);
}

TEST_CASE("a word that the format does not know is refused by its name, wherever it stands") {
  const TemporaryFolder folder;
  // Each stands in one of the programs; what takes its place is as long, so that the file stays whole.
  for (const auto& [word, other] : {std::pair{"linear", "softly"},
                                    {"quantize", "float_op"},
                                    {"single", "triple"},
                                    {"half_even", "half_down"},
                                    {"s32", "f32"}}) {
    bool found = false;
    for (std::uint64_t seed = 1; seed <= 60 && !found; ++seed) {
      save_program(folder / "p.safetensors", quant_test::random_program(seed));
      std::string bytes = bytes_of(folder / "p.safetensors");
      const std::string quoted = R"(\")" + std::string(word) + R"(\")";  // within a string of the header
      const std::size_t at = bytes.find(quoted);
      if (at == std::string::npos) continue;
      found = true;
      bytes.replace(at + 2, std::string(word).size(), other);
      std::ofstream(folder / "damaged.safetensors", std::ios::binary) << bytes;
      CAPTURE(word);
      try {
        static_cast<void>(load_program(folder / "damaged.safetensors"));
        FAIL("was taken");
      } catch (const core::CheckpointError& error) {
        CHECK(std::string(error.what()).find(other) != std::string::npos);
      }
    }
    CHECK(found);
  }
}

// The wrong key is as long as the right one, so that the file stays whole.
TEST_CASE("a key that an instruction or a buffer lacks is told by its name and place, and by no library's words") {
  const TemporaryFolder folder;
  save_program(folder / "p.safetensors", quant_test::random_program(3));
  const std::string whole = bytes_of(folder / "p.safetensors");
  for (const auto& [key, other, place] : {std::tuple{"layer", "leyar", "/instructions/0: "},
                                          {"op", "po", "/instructions/0: "},
                                          {"cell", "cull", "/buffers/0: "},
                                          {"buffers", "baffers", ""}}) {
    std::string bytes = whole;
    const std::string quoted = R"(\")" + std::string(key) + R"(\":)";
    const std::size_t at = bytes.find(quoted);
    REQUIRE(at != std::string::npos);
    bytes.replace(at + 2, std::string(key).size(), other);
    std::ofstream(folder / "damaged.safetensors", std::ios::binary) << bytes;
    try {
      static_cast<void>(load_program(folder / "damaged.safetensors"));
      FAIL("was taken");
    } catch (const core::CheckpointError& error) {
      const std::string said = error.what();
      CAPTURE(said);
      CHECK(said.find(place + std::string("the key \"") + key + "\" is missing") != std::string::npos);
      CHECK(said.find("json.exception") == std::string::npos);
    }
  }
}

TEST_CASE("a bit that is not as it was written is noticed, in whatever tensor or text it stands") {
  const TemporaryFolder folder;
  Program program = quant_test::random_program(5);
  program.metadata["tempera.input"] = R"({"normalization": {"scale": [0.0141]}})";
  save_program(folder / "p.safetensors", program);
  const std::string whole = bytes_of(folder / "p.safetensors");
  // Where the checksum has lost its name the file looks like another writer's, and all else in it is whole.
  const std::string name = "tempera.crc32";
  const std::size_t at = whole.find(name);
  REQUIRE(at != std::string::npos);
  for (std::size_t byte = 0; byte < whole.size(); byte += 1 + whole.size() / 1500) {
    if (byte >= at && byte < at + name.size()) continue;
    CAPTURE(byte);
    std::string damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << byte % 7));
    std::ofstream(folder / "damaged.safetensors", std::ios::binary) << damaged;
    CHECK_THROWS_AS(static_cast<void>(load_program(folder / "damaged.safetensors")), core::CheckpointError);
  }
}

TEST_CASE("a file of another writer, which has no checksum, is read") {
  const TemporaryFolder folder;
  save_program(folder / "p.safetensors", quant_test::random_program(5));
  quant_test::rewrite(folder / "p.safetensors", folder / "q.safetensors");
  const core::Tensor x = quant_test::random_samples(quant_test::random_program(5), 2, 1);
  CHECK(results(load_program(folder / "q.safetensors"), x) == results(quant_test::random_program(5), x));
}

}  // namespace
