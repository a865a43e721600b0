// Program files written twice, of a size that can be foretold, and altered at random.
#include "tempera/quant/program_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "quant/random_program.hpp"
#include "quant/rewritten_program.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/engine.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

bool valid(const Program& program) {
  try {
    check(program);
  } catch (const core::UnsupportedError&) {
    return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a program loads to the integers it gave before, and is saved again to the same bytes") {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Program program = quant_test::random_program(seed);
    if (!valid(program)) continue;
    program.metadata = {{"labels", "0 1 2"}, {"input", "mean_std"}};
    const auto file = folder.path() / "program.safetensors", again = folder.path() / "again.safetensors";
    save_program(file, program);
    const Program loaded = load_program(file);
    CHECK(loaded.metadata == program.metadata);
    const core::Tensor x = quant_test::random_samples(program, 2, seed);
    REQUIRE(run_reference(loaded, x).values == run_reference(program, x).values);
    save_program(again, loaded);
    REQUIRE(bytes_of(file) == bytes_of(again));
  }
}

TEST_CASE("a LeNet of k bits takes k/32 of its weights' bytes, nine bytes a channel, and 4.5 kB for its structure") {
  const auto weight = [](const core::Shape& shape, int bits) {
    return ProgramWeight{.shape = shape,
                         .bits = bits,
                         .values = std::vector<std::int8_t>(static_cast<std::size_t>(shape.numel()), 1),
                         .zero_points = {}};
  };
  const auto requant = [](std::int64_t channels) {
    return Requant{.multipliers = std::vector<Multiplier>(static_cast<std::size_t>(channels), multiplier_of(0.001))};
  };
  const auto buffer = [](const core::Shape& shape) { return ProgramBuffer{.site = "a", .shape = shape}; };
  constexpr std::int32_t kBias = 1'000'000;  // no byte has it
  const TemporaryFolder folder;
  for (const int bits : {8, 4, 2}) {
    Program p{.buffers = {buffer({1, 28, 28}), buffer({20, 24, 24}), buffer({20, 12, 12}), buffer({50, 8, 8}),
                          buffer({50, 4, 4}), buffer({800}), buffer({500}), buffer({10})},
              .instructions = {},
              .input = {1, 28, 28},
              .metadata = {}};
    const auto conv = [&](const core::Shape& shape) {
      return program::Conv2d{weight(shape, bits),
                             std::vector<std::int32_t>(static_cast<std::size_t>(shape[0]), kBias),
                             {1, 1},
                             {0, 0},
                             {1, 1},
                             1,
                             requant(shape[0])};
    };
    const auto linear = [&](const core::Shape& shape) {
      return program::Linear{weight(shape, bits), std::vector<std::int32_t>(static_cast<std::size_t>(shape[0]), kBias),
                             requant(shape[0])};
    };
    const program::MaxPool2d pool{{2, 2}, {2, 2}, {0, 0}};
    p.instructions = {{program::Quantize{}, "input", {}, 0},
                      {conv({20, 1, 5, 5}), "conv1", {0}, 1},
                      {pool, "pool1", {1}, 2},
                      {conv({50, 20, 5, 5}), "conv2", {2}, 3},
                      {pool, "pool2", {3}, 4},
                      {program::Reshape{}, "flatten", {4}, 5},
                      {linear({500, 800}), "fc1", {5}, 6},
                      {linear({10, 500}), "fc2", {6}, 7}};
    save_program(folder.path() / "lenet", p);
    static_cast<void>(load_program(folder.path() / "lenet"));
    constexpr std::uint64_t kWeights = 500 + 25'000 + 400'000 + 5'000, kChannels = 20 + 50 + 500 + 10;
    CAPTURE(bits);
    const std::uint64_t size = std::filesystem::file_size(folder.path() / "lenet");
    const std::uint64_t weights = kWeights * static_cast<std::uint64_t>(bits) / 8;
    // A bias of 4 bytes, a multiplier of 4, a shift of 1: at 2 bits these alone are 5 % of the weights.
    CHECK(size <= weights + 9 * kChannels + 4'500);
    CHECK(size >= weights);
  }
}

TEST_CASE(
    "a truncated or altered program file without a checksum is refused, or the same program to engine and reference") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "program.safetensors";
  save_program(file, quant_test::random_program(12));
  quant_test::rewrite(file, folder.path() / "unsummed");
  const std::string whole = bytes_of(folder.path() / "unsummed");
  for (std::size_t length = 0; length < whole.size(); length += 97) {
    write(file, whole.substr(0, length));
    CHECK_THROWS_AS(static_cast<void>(load_program(file)), core::CheckpointError);
  }
  std::uint64_t header = 0;
  std::memcpy(&header, whole.data(), sizeof header);
  std::mt19937_64 random(1);
  std::int64_t refused = 0, taken = 0;
  for (int i = 0; i < 2000; ++i) {
    // Anywhere, or in the lists of numbers behind the header.
    const std::size_t begin = i % 2 == 0 ? 8 : 8 + header;
    std::string damaged = whole;
    for (int n = 0; n < 3; ++n) {
      damaged[begin + random() % (damaged.size() - begin)] =
          static_cast<char>(i % 2 == 0 ? "0123456789-{}[],\"e"[random() % 18] : random() % 256);
    }
    write(file, damaged);
    try {
      const Program program = load_program(file);
      ++taken;
      Engine engine(program);
      const core::Tensor x = quant_test::random_samples(program, 1, 1);
      CHECK(std::ranges::equal(engine.run(x), run_reference(program, x).values));
    } catch (const core::CheckpointError&) {
      ++refused;
    }
  }
  CHECK(refused > 500);
  CHECK(taken > 200);
}
