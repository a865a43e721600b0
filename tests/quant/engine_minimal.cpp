// Convolutions by minimal filtering (quant/engine/minimal_conv.cpp). Oracle: the reference, one product at a time; a plain
// bound for what may be filtered at all.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "tempera/core/kernels/int_table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/engine/minimal_filter.hpp"
#include "tempera/quant/engine/step.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

struct Layer {
  std::int64_t in, height, width, out, kernel, padding;
  bool pool = false;
  std::int32_t low = 0, high = 255, zero_point = 0;  // of the inputs
  bool requantize = true;
};

enum class Values { kRandom, kEnds, kAllHigh, kAllLow };

std::int32_t pick(Values values, std::int32_t low, std::int32_t high, std::mt19937& random) {
  if (values == Values::kAllHigh) return high;
  if (values == Values::kAllLow) return low;
  if (values == Values::kEnds) return random() % 2 == 0 ? low : high;
  return low + static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(high - low + 1));
}

Program program_of(const Layer& l, Values weights, std::int32_t weight_zero, std::mt19937& random) {
  Program p{.buffers = {{.site = "x",
                         .shape = {l.in, l.height, l.width},
                         .cell = l.low < 0 ? Cell::kS8 : Cell::kU8,
                         .bits = 8,
                         .low = l.low,
                         .high = l.high,
                         .zero_point = l.zero_point}},
            .instructions = {},
            .input = {l.in, l.height, l.width},
            .metadata = {}};
  p.instructions.push_back(
      {program::Quantize{QParams{.bits = 8, .qmin = l.low, .qmax = l.high, .scale = {1}, .zero_point = {l.zero_point}}},
       "input",
       {},
       0});
  const std::int64_t height = l.height + 2 * l.padding - l.kernel + 1, width = l.width + 2 * l.padding - l.kernel + 1;
  program::Conv2d conv{
      .weight = {.shape = {l.out, l.in, l.kernel, l.kernel}, .bits = 8, .values = {}, .zero_points = {}},
      .bias = {},
      .stride = {1, 1},
      .padding = {l.padding, l.padding},
      .dilation = {1, 1},
      .groups = 1,
      .requant = {}};
  for (std::int64_t i = conv.weight.shape.numel(); i > 0; --i) {
    conv.weight.values.push_back(static_cast<std::int8_t>(pick(weights, -127, 127, random)));
  }
  if (weight_zero != 0) conv.weight.zero_points.assign(static_cast<std::size_t>(l.out), weight_zero);
  Requant requant{.multipliers = {}, .zero_point = 3, .low = 0, .high = 255};
  for (std::int64_t o = 0; o < l.out; ++o) {
    conv.bias.push_back(static_cast<std::int32_t>(random() % 20001) - 10000);
    requant.multipliers.push_back(multiplier_of(1e-4 * static_cast<double>(1 + random() % 20)));
  }
  if (l.requantize) conv.requant = requant;
  const Cell cell = l.requantize ? Cell::kU8 : Cell::kS32;
  ProgramBuffer output{.site = "y",
                       .shape = {l.out, height, width},
                       .cell = cell,
                       .bits = l.requantize ? 8 : 32,
                       .low = 0,
                       .high = 255,
                       .zero_point = l.requantize ? 3 : 0};
  p.buffers.push_back(output);
  p.instructions.push_back({conv, "conv", {0}, 1});
  if (!l.pool) return p;
  output.shape = {l.out, (height - 2) / 2 + 1, (width - 2) / 2 + 1};
  p.buffers.push_back(output);
  p.instructions.push_back({program::MaxPool2d{{2, 2}, {2, 2}, {0, 0}}, "pool", {1}, 2});
  return p;
}

core::Tensor samples(const Layer& l, std::int64_t batch, Values values, std::mt19937& random) {
  core::Tensor x({batch, l.in, l.height, l.width});
  for (Scalar& v : x.mutable_values()) v = static_cast<Scalar>(pick(values, l.low, l.high, random) - l.zero_point);
  return x;
}

bool filtered(const Program& p) {
  const engine::Layout layout = engine::lay_out(p);
  const Instruction& conv = p.instructions[1];
  return engine::make_minimal_conv({p, conv, layout}, std::get<program::Conv2d>(conv.operation)) != nullptr;
}

void check_equal(const Program& p, const core::Tensor& x) {
  Engine engine(p);
  const IntTensor expected = run_reference(p, x);
  CHECK(std::ranges::equal(engine.run(x), expected.values));
  CHECK(engine.run(x, Watch{}).values == expected.values);
}

const std::vector<Layer> kLayers{{16, 6, 6, 16, 3, 0},
                                 {16, 9, 7, 20, 3, 1},
                                 {5, 13, 11, 33, 3, 2},
                                 {32, 26, 26, 64, 3, 0, true},
                                 {17, 8, 30, 9, 3, 1, true},
                                 {12, 70, 9, 8, 3, 1, true},
                                 {8, 5, 203, 8, 3, 1},
                                 {20, 12, 12, 50, 5, 0, true},
                                 {7, 9, 11, 21, 5, 2},
                                 {8, 33, 6, 8, 5, 2, true},
                                 {6, 5, 210, 16, 5, 2, true},
                                 {16, 10, 10, 16, 3, 1, false, -128, 127, -128},
                                 {16, 10, 10, 16, 3, 1, true, -128, 127, 127},
                                 {16, 10, 10, 16, 5, 2, true, -128, 127, -3},
                                 {16, 10, 10, 16, 5, 2, true, 0, 255, 255},
                                 {16, 10, 10, 16, 3, 1, true, 0, 255, 77},
                                 {16, 7, 7, 16, 3, 1, false, 0, 255, 9, false},
                                 {16, 7, 7, 16, 5, 1, true, 0, 255, 9, false}};

}  // namespace

TEST_CASE("filtered convolutions give the reference's integers at extreme and random values, whatever the size") {
  int of_them = 0;
  std::mt19937 random(21);
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    for (const Values weights : {Values::kRandom, Values::kEnds, Values::kAllHigh, Values::kAllLow}) {
      for (const Values inputs : {Values::kRandom, Values::kEnds, Values::kAllHigh, Values::kAllLow}) {
        CAPTURE(i);
        CAPTURE(static_cast<int>(weights));
        CAPTURE(static_cast<int>(inputs));
        const bool extreme = weights != Values::kRandom && inputs != Values::kRandom;
        const Program p = program_of(kLayers[i], weights, 0, random);
        check_equal(p, samples(kLayers[i], extreme ? 1 : 3, inputs, random));
        of_them += filtered(p) ? 1 : 0;
      }
    }
  }
  // Where bytes are many times as fast, nothing else pays.
  if (core::int_kernels().quad_gain <= 1) CHECK(of_them > static_cast<int>(kLayers.size()) * 12);
}

TEST_CASE("samples that share a block of tiles do not mix, for any batch and number of threads") {
  const int before = core::thread_count();
  std::mt19937 random(22);
  for (const Layer& l : {Layer{16, 6, 6, 16, 3, 1, true}, Layer{12, 8, 8, 10, 5, 2, true}, Layer{16, 30, 5, 8, 3, 1}}) {
    const Program p = program_of(l, Values::kRandom, 0, random);
    const core::Tensor x = samples(l, 61, Values::kRandom, random);
    const IntTensor expected = run_reference(p, x);
    Engine engine(p);
    for (const int threads : {1, 2, 3, 7}) {
      core::set_thread_count(threads);
      CHECK(std::ranges::equal(engine.run(x), expected.values));
    }
    const auto size = static_cast<std::size_t>(p.input.numel()), outputs = expected.values.size() / 61;
    for (const std::size_t i : {0U, 1U, 17U, 60U}) {
      const core::Tensor one(p.input.with_batch(1), x.values().subspan(i * size, size));
      CHECK(std::ranges::equal(engine.run(one), std::span(expected.values).subspan(i * outputs, outputs)));
    }
  }
  core::set_thread_count(before);
}

TEST_CASE("a layer is filtered exactly as long as its sums leave room for the division") {
  std::mt19937 random(23);
  // Weights and inputs at their ends: a sum is channels · taps² · 255 · 127 and the bias, which has to stay below 2^25
  // where 24² divides it, and 2^28 where 360 does.
  for (const std::int64_t kernel : {3, 5}) {
    const std::int64_t one = kernel * kernel * 255 * 127, reach = std::int64_t{1} << (kernel == 3 ? 25 : 28);
    const std::int64_t most = (reach - 1) / one;
    for (const std::int64_t channels : {most, most + 1}) {
      const Layer l{channels, kernel + 1, kernel + 1, 1, kernel, 0};
      Program p = program_of(l, Values::kAllHigh, 0, random);
      auto& conv = std::get<program::Conv2d>(p.instructions[1].operation);
      for (const std::int64_t beyond : {0, 1}) {
        CAPTURE(kernel);
        CAPTURE(channels);
        CAPTURE(beyond);
        if (channels == most) conv.bias[0] = static_cast<std::int32_t>(reach - 1 - most * one + beyond);
        const auto shape = engine::filter_shape(conv);
        REQUIRE(shape);
        const engine::Layout layout = engine::lay_out(p);
        const bool may = engine::minimal_weights(conv, *shape, layout.places[0], p.buffers[0], 16).has_value();
        CHECK(may == (channels == most && beyond == 0));
        check_equal(p, samples(l, 1, Values::kAllHigh, random));
      }
    }
  }
}

TEST_CASE("weights with zero points are filtered if their transform fits int16, and right in either case") {
  std::mt19937 random(24);
  int fitting = 0;
  for (const std::int32_t zero : {-1, 5, -100, 127}) {
    for (const std::int64_t kernel : {3, 5}) {
      for (const Values weights : {Values::kRandom, Values::kAllLow}) {
        const Layer l{16, 9, 10, 16, kernel, 1};
        const Program p = program_of(l, weights, zero, random);
        check_equal(p, samples(l, 2, Values::kEnds, random));
        const auto& conv = std::get<program::Conv2d>(p.instructions[1].operation);
        const auto shape = engine::filter_shape(conv);
        REQUIRE(shape);
        const auto made = engine::minimal_weights(conv, *shape, engine::lay_out(p).places[0], p.buffers[0], 16);
        fitting += made.has_value() ? 1 : 0;
        // All of −127 − 127: 144 times that is beyond int16, 100 times it is not.
        if (zero == 127 && weights == Values::kAllLow) CHECK(made.has_value() == (kernel == 5));
      }
    }
  }
  CHECK(fitting > 8);
}

TEST_CASE("a filter with a step, gaps or groups, or of another size, is left alone") {
  std::mt19937 random(25);
  const Program p = program_of({16, 9, 9, 16, 3, 1}, Values::kRandom, 0, random);
  const auto& conv = std::get<program::Conv2d>(p.instructions[1].operation);
  CHECK(engine::filter_shape(conv).has_value());
  auto stepping = conv, dilated = conv, grouped = conv, oblong = conv;
  stepping.stride = {1, 2};
  dilated.dilation = {2, 1};
  grouped.groups = 2;
  oblong.weight.shape = {16, 16, 3, 5};
  for (const auto& other : {stepping, dilated, grouped, oblong}) CHECK_FALSE(engine::filter_shape(other).has_value());
}

TEST_CASE("groups of which some fit bytes and some do not, and images of several blocks that are pooled, are right") {
  std::mt19937 random(31);
  // w − zero of the second group reaches −228 … −27 and beyond int8, that of the first does not.
  const Layer l{32, 9, 40, 36, 3, 1};
  Program p = program_of(l, Values::kRandom, 0, random);
  auto& conv = std::get<program::Conv2d>(p.instructions[1].operation);
  for (const std::int64_t groups : {2, 1}) {
    CAPTURE(groups);
    conv.groups = groups;
    conv.weight.shape = {l.out, l.in / groups, 3, 3};
    conv.weight.values.resize(static_cast<std::size_t>(conv.weight.shape.numel()));
    conv.weight.zero_points.assign(static_cast<std::size_t>(l.out), 0);
    for (std::size_t o = 18; o < 36 && groups == 2; ++o) conv.weight.zero_points[o] = 100;
    check_equal(p, samples(l, 3, Values::kRandom, random));
  }
  for (const std::int64_t width : {26, 40, 64, 70}) {  // an even number of pixels, a block or less of two rows and more
    CAPTURE(width);
    const Layer pooled{16, 8, width, 20, 3, 1, true};
    check_equal(program_of(pooled, Values::kRandom, 0, random), samples(pooled, 2, Values::kRandom, random));
  }
}
