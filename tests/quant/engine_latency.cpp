// What a call with one image may not do after the first: ask the system for memory, or start a thread. Oracles: a count of
// every operator new of this program, and the list of its threads that Linux keeps.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "quant/random_program.hpp"
#include "support/counted_news.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/storage.hpp"
#include "tempera/quant/engine.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using tempera::test::news;

std::int64_t threads() {
  std::int64_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) count += entry.exists() ? 1 : 0;
  return count;
}

// 3 × 3 by minimal filtering with a pool behind it, 5 × 5 by the same, a direct convolution, linear layers.
Program network() {
  Program p{.buffers = {{.site = "x", .shape = {4, 16, 16}, .cell = Cell::kU8, .bits = 8, .low = 0, .high = 255}},
            .instructions = {},
            .input = {4, 16, 16},
            .metadata = {}};
  p.instructions.push_back(
      {program::Quantize{QParams{.bits = 8, .qmin = 0, .qmax = 255, .scale = {1}, .zero_point = {0}}}, "x", {}, 0});
  const auto add = [&p](program::Operation operation, const core::Shape& shape) {
    const int input = static_cast<int>(p.buffers.size()) - 1;
    p.buffers.push_back({.site = "y", .shape = shape, .cell = Cell::kU8, .bits = 8, .low = 0, .high = 255});
    p.instructions.push_back({std::move(operation), "layer", {input}, input + 1});
  };
  const auto weight = [](const core::Shape& shape) {
    ProgramWeight w{.shape = shape, .bits = 8, .values = {}, .zero_points = {}};
    for (std::int64_t i = 0; i < shape.numel(); ++i) w.values.push_back(static_cast<std::int8_t>(i * 37 % 255 - 127));
    return w;
  };
  const Requant requant{.multipliers = {multiplier_of(1e-3)}, .zero_point = 0, .low = 0, .high = 255};
  const auto conv = [&](std::int64_t out, std::int64_t in, std::int64_t kernel, std::int64_t padding,
                        std::int64_t size) {
    add(program::Conv2d{.weight = weight({out, in, kernel, kernel}),
                        .bias = std::vector<std::int32_t>(static_cast<std::size_t>(out), 50),
                        .stride = {1, 1},
                        .padding = {padding, padding},
                        .dilation = {1, 1},
                        .groups = 1,
                        .requant = requant},
        {out, size, size});
  };
  conv(16, 4, 3, 1, 16);
  add(program::MaxPool2d{{2, 2}, {2, 2}, {0, 0}}, {16, 8, 8});
  conv(16, 16, 5, 2, 8);
  conv(8, 16, 2, 0, 7);
  add(program::Reshape{}, {8 * 7 * 7});
  for (const std::int64_t out : {40, 10}) {
    const std::int64_t in = p.buffers.back().shape[0];
    add(program::Linear{.weight = weight({out, in}),
                        .bias = std::vector<std::int32_t>(static_cast<std::size_t>(out), 7),
                        .requant = requant},
        {out});
  }
  return p;
}

// Every instruction by its name, a convolution with groups by what they are as well, and thresholds and wide buffers.
void add_kinds(const Program& program, std::set<std::string>& kinds) {
  for (const Instruction& in : program.instructions) {
    kinds.emplace(program::kOperationNames[in.operation.index()]);
    const auto cell = program.buffers[static_cast<std::size_t>(in.output)].cell;
    if (cell == Cell::kU16 || cell == Cell::kS16) kinds.emplace("16 bits");
    if (const auto* conv = std::get_if<program::Conv2d>(&in.operation); conv != nullptr && conv->groups > 1) {
      kinds.emplace(conv->weight.shape[1] > 1              ? "grouped"
                    : conv->weight.shape[0] > conv->groups ? "several"
                                                           : "depthwise");
    }
    const auto* requantize = std::get_if<program::Requantize>(&in.operation);
    if (requantize != nullptr && requantize->requant.thresholds) kinds.emplace("thresholds");
  }
}

}  // namespace

TEST_CASE("a call with one image asks for no memory and starts no thread, however many there may be") {
  const int before = core::thread_count();
  const Program program = network();
  const core::Tensor one = quant_test::random_samples(program, 1, 1),
                     many = quant_test::random_samples(program, 200, 1);
  Engine engine(program);
  core::set_thread_count(13);  // more than any other test asks for
  const std::int64_t started = threads();
  static_cast<void>(engine.run(one));
  CHECK(threads() == started);
  std::span<const std::int32_t> result;
  const std::int64_t first = news.load();
  const auto storage = core::allocator_stats().system_allocations;
  for (int i = 0; i < 20; ++i) result = engine.run(one);
  CHECK(news.load() == first);
  CHECK(core::allocator_stats().system_allocations == storage);
  CHECK(threads() == started);
  CHECK(result.size() == 10);
  // Both counts do count.
  static_cast<void>(engine.run(many));
  CHECK(news.load() > first);
  CHECK(threads() > started);
  core::set_thread_count(before);
}

TEST_CASE("no kind of instruction asks for memory in a call with one image, or starts a thread") {
  const int before = core::thread_count();
  core::set_thread_count(13);
  std::set<std::string> kinds;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const Program program = quant_test::random_program(seed);
    add_kinds(program, kinds);
    const core::Tensor one = quant_test::random_samples(program, 1, seed);
    Engine engine(program);
    const std::int64_t started = threads();
    static_cast<void>(engine.logits(one));
    const std::int64_t first = news.load();
    const auto storage = core::allocator_stats().system_allocations;
    for (int i = 0; i < 3; ++i) static_cast<void>(engine.logits(one));
    CHECK(news.load() == first);
    CHECK(core::allocator_stats().system_allocations == storage);
    CHECK(threads() == started);
  }
  core::set_thread_count(before);
  std::set<std::string> all(program::kOperationNames.begin(), program::kOperationNames.end());
  all.insert({"16 bits", "grouped", "depthwise", "several", "thresholds"});
  CHECK(kinds == all);
}
