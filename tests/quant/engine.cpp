// The engine's oracle is the reference: the same program, one value at a time, in plain loops. This file runs at every
// instruction level.
#include "tempera/quant/engine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "quant/random_program.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/storage.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

// "" or where the engine first differs from the reference.
std::string first_difference(const Program& program, const core::Tensor& x) {
  std::vector<IntTensor> expected;
  static_cast<void>(run_reference(program, x, [&](std::size_t, const IntTensor& value) { expected.push_back(value); }));
  Engine engine(program);
  std::string difference;
  static_cast<void>(engine.run(x, [&](std::size_t i, const IntTensor& value) {
    if (!difference.empty()) return;
    if (!(value.shape == expected[i].shape)) difference = "shape of instruction " + std::to_string(i);
    const auto [a, b] = std::ranges::mismatch(value.values, expected[i].values);
    if (a == value.values.end()) return;
    difference = "instruction " + std::to_string(i) + " of kind " +
                 std::to_string(program.instructions[i].operation.index()) + ", value " +
                 std::to_string(a - value.values.begin()) + ": " + std::to_string(*a) + ", expected " +
                 std::to_string(*b);
  }));
  const auto last = engine.run(x);
  if (difference.empty() && !std::ranges::equal(last, expected.back().values)) difference = "the run without a watch";
  return difference;
}

}  // namespace

TEST_CASE("the engine gives the reference's integers after every instruction of random programs") {
  int made = 0;
  std::vector<int> kinds(12);
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    const Program program = quant_test::random_program(seed);
    try {
      check(program);
    } catch (const core::UnsupportedError&) {
      continue;  // 16-bit activations whose accumulators could overflow
    }
    ++made;
    for (const Instruction& in : program.instructions) ++kinds[in.operation.index()];
    const std::int64_t batch = seed % 10 == 0 ? 61 : static_cast<std::int64_t>(seed % 7) + 1;
    CAPTURE(seed);
    REQUIRE(first_difference(program, quant_test::random_samples(program, batch, seed)) == "");
  }
  CHECK(made > 500);
  for (const int count : kinds) CHECK(count > 20);
}

TEST_CASE("a background that all samples share, which is not multiplied, changes no integer") {
  int straight = 0;  // from the samples into a linear layer
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Program program = quant_test::random_program(seed);
    try {
      check(program);
    } catch (const core::UnsupportedError&) {
      continue;
    }
    core::Tensor x = quant_test::random_samples(program, 61, seed);
    const std::int64_t size = program.input.numel();
    const std::span<Scalar> values = x.mutable_values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (static_cast<std::int64_t>(i) % size * 7 % size < size - size / 4) values[i] = -1e6F;  // the least integer
    }
    const auto linear = std::ranges::find_if(program.instructions, [](const Instruction& in) {
      return std::holds_alternative<program::Linear>(in.operation);
    });
    straight += linear - program.instructions.begin() <= 2 ? 1 : 0;
    CAPTURE(seed);
    REQUIRE(first_difference(program, x) == "");
  }
  CHECK(straight > 20);
}

TEST_CASE("a linear layer of several panels gives the reference's integers for batches around its blocks of rows") {
  const int before = core::thread_count();
  std::mt19937 random(41);
  for (const std::int64_t out : {40, 97, 130}) {
    constexpr std::int64_t kIn = 75;
    Program p{.buffers = {{.site = "x", .shape = {kIn}, .cell = Cell::kU8, .bits = 8, .low = 0, .high = 255},
                          {.site = "y", .shape = {out}, .cell = Cell::kS32, .bits = 32}},
              .instructions = {},
              .input = {kIn},
              .metadata = {}};
    program::Linear linear{
        .weight = {.shape = {out, kIn}, .bits = 8, .values = {}, .zero_points = {}}, .bias = {}, .requant = {}};
    for (std::int64_t i = 0; i < out * kIn; ++i) linear.weight.values.push_back(static_cast<std::int8_t>(random()));
    for (std::int64_t i = 0; i < out; ++i) linear.bias.push_back(static_cast<std::int32_t>(random() % 999));
    p.instructions.push_back(
        {program::Quantize{QParams{.bits = 8, .is_signed = false, .qmin = 0, .qmax = 255}}, "input", {}, 0});
    p.instructions.push_back({linear, "y", {0}, 1});
    for (const std::int64_t batch : {1, 31, 64, 127, 128, 129, 300}) {
      core::Tensor x({batch, kIn});
      for (Scalar& v : x.mutable_values()) v = static_cast<Scalar>(random() % 256);
      for (const int threads : {1, 3}) {
        core::set_thread_count(threads);
        CAPTURE(out);
        CAPTURE(batch);
        CHECK(first_difference(p, x) == "");
      }
    }
  }
  core::set_thread_count(before);
}

TEST_CASE("the engine gives the same integers for any number of threads and any batch") {
  const int before = core::thread_count();
  for (const std::uint64_t seed : {3U, 5U, 11U, 12U, 27U}) {
    const Program program = quant_test::random_program(seed);
    const core::Tensor x = quant_test::random_samples(program, 203, seed);
    const IntTensor expected = run_reference(program, x);
    Engine engine(program);
    for (const int threads : {1, 2, 3, 4, 7}) {
      core::set_thread_count(threads);
      CHECK(std::ranges::equal(engine.run(x), expected.values));
    }
    const std::int64_t size = program.input.numel(), classes = static_cast<std::int64_t>(expected.values.size()) / 203;
    for (std::int64_t i = 0; i < 5; ++i) {
      const core::Tensor one(program.input.with_batch(1),
                             x.values().subspan(static_cast<std::size_t>(i * size), static_cast<std::size_t>(size)));
      const auto part =
          std::span(expected.values).subspan(static_cast<std::size_t>(i * classes), static_cast<std::size_t>(classes));
      CHECK(std::ranges::equal(engine.run(one), part));
    }
  }
  core::set_thread_count(before);
}

TEST_CASE("an engine allocates no tensor storage after its first call") {
  const Program program = quant_test::random_program(12);
  Engine engine(program);
  const core::Tensor one = quant_test::random_samples(program, 1, 1),
                     many = quant_test::random_samples(program, 100, 1);
  static_cast<void>(engine.run(one));
  static_cast<void>(engine.run(many));
  const auto before = core::allocator_stats();
  const auto* place = engine.run(one).data();
  for (int i = 0; i < 10; ++i) CHECK(engine.run(one).data() == place);
  static_cast<void>(engine.run(many));
  CHECK(core::allocator_stats().system_allocations == before.system_allocations);
  CHECK(core::allocator_stats().live_bytes == before.live_bytes);
}

TEST_CASE("samples of another shape are refused with both shapes") {
  const Program program = quant_test::random_program(3);
  Engine engine(program);
  CHECK_THROWS_AS(static_cast<void>(engine.run(core::Tensor::zeros({2, 3, 4, 5, 6}))), core::ShapeError);
  CHECK(engine.run(core::Tensor(program.input.with_batch(0))).empty());
}
