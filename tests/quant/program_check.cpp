// check() refuses a program for every rule on buffers, weights, accumulators and multipliers; see damaged_program.hpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "quant/damaged_program.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant_test::damage;

TEST_CASE("the program that these tests damage keeps every rule, and engine and reference agree on it") {
  const Program p = whole_program();
  REQUIRE(complaint(p) == "no error");
  const core::Tensor x = core::Tensor::full({2, 2, 6, 6}, 40);
  Engine engine(p);
  CHECK(std::ranges::equal(engine.run(x), run_reference(p, x).values));
}

TEST_CASE("a program without instructions is refused") {
  Program p = whole_program();
  p.instructions.clear();
  CHECK(complaint(p) == "program: has no instructions");
}

TEST_CASE("buffers must have sizes, ranges, zero points and scales that their cells can have") {
  using Buffer = ProgramBuffer;
  const auto change = [](std::size_t buffer, const std::function<void(Buffer&)>& how) {
    return [=](Program& p) { how(p.buffers[buffer]); };
  };
  all_refused(
      "buffer \"",
      {
          {"extent", change(kConv,
                            [](Buffer& b) {
                              b.shape = {4, 0, 6};
                            })},
          {"extent", change(kConv, [](Buffer& b) { b.shape = {kLargest + 1}; })},
          {"at most 4 axes", change(kConv,
                                    [](Buffer& b) {
                                      b.shape = {1, 1, 1, 1, 1};
                                    })},
          {"fewer than 2^31 values", change(kConv,
                                            [](Buffer& b) {
                                              b.shape = {65536, 32768};
                                            })},
          {"zero point must be a value of its cells", change(kConv, [](Buffer& b) { b.zero_point = 128; })},
          {"zero point must be a value of its cells", change(kQuantize, [](Buffer& b) { b.zero_point = -1; })},
          {"zero point must be a value of its cells", change(kRequantize, [](Buffer& b) { b.zero_point = 32768; })},
          {"accumulators must have zero point 0", change(kLinear, [](Buffer& b) { b.zero_point = 1; })},
          {"bits must be", change(kConv, [](Buffer& b) { b.bits = 9; })},
          {"bits must be", change(kConv, [](Buffer& b) { b.bits = 1; })},
          {"bits must be", change(kRequantize, [](Buffer& b) { b.bits = 17; })},
          {"low ≤ high", change(kConv, [](Buffer& b) { b.high = 128; })},
          {"low ≤ high", change(kConv, [](Buffer& b) { b.low = -129; })},
          {"low ≤ high", change(kQuantize, [](Buffer& b) { b.low = 200, b.high = 199; })},
          {"one scale", change(kLinear,
                               [](Buffer& b) {
                                 b.scale = {1, 2};
                               })},
          {"one scale", change(kConv, [](Buffer& b) { b.scale = {}; })},
          {"scales must be", change(kConv, [](Buffer& b) { b.scale = {0}; })},
          {"scales must be", change(kConv, [](Buffer& b) { b.scale = {-1}; })},
          {"scales must be", change(kConv, [](Buffer& b) { b.scale = {kInfinity}; })},
          {"scales must be", change(kLinear, [](Buffer& b) { b.scale[2] = kNan; })},
      });
}

TEST_CASE("instructions must read what was written and write what was not") {
  const auto at = [](std::size_t i, const std::function<void(Instruction&)>& how) {
    return [=](Program& p) { how(p.instructions[i]); };
  };
  all_refused(instruction(kConv) + "conv)",
              {
                  {"no earlier instruction", at(kConv, [](Instruction& in) { in.inputs = {1}; })},
                  {"no earlier instruction", at(kConv, [](Instruction& in) { in.inputs = {5}; })},
                  {"no earlier instruction", at(kConv, [](Instruction& in) { in.inputs = {-1}; })},
                  {"no earlier instruction", at(kConv, [](Instruction& in) { in.inputs = {12}; })},
                  {"does not exist", at(kConv, [](Instruction& in) { in.output = 12; })},
                  {"does not exist", at(kConv, [](Instruction& in) { in.output = -1; })},
                  {"written before", at(kConv, [](Instruction& in) { in.output = 0; })},
                  {"takes 1 inputs, has 0", at(kConv, [](Instruction& in) { in.inputs = {}; })},
                  {"takes 1 inputs, has 2", at(kConv,
                                               [](Instruction& in) {
                                                 in.inputs = {0, 0};
                                               })},
                  // Floats end at Quantize: nothing but a sample can be quantized, and only Quantize takes samples.
                  {"takes 0 inputs, has 1", at(kConv, [](Instruction& in) { in.operation = program::Quantize{}; })},
              });
  all_refused(instruction(kAdd), {{"takes 2 inputs, has 1", at(kAdd, [](Instruction& in) { in.inputs = {3}; })}});
  all_refused(instruction(kMax), {{"takes 1 inputs, has 2", at(kMax, [](Instruction& in) { in.inputs = {2, 2}; })}});
}

TEST_CASE("samples are quantized with one usable scale onto the values of their buffer") {
  const auto with = [](const std::function<void(QParams&)>& how) {
    return [=](Program& p) { how(operation<program::Quantize>(p).params); };
  };
  all_refused(instruction(kQuantize),
              {
                  {"gives [2, 6, 7]",
                   [](Program& p) {
                     p.input = {2, 6, 7};
                   }},
                  {"one scale", with([](QParams& q) {
                     q.scale = {1, 1};
                   })},
                  {"one scale", with([](QParams& q) { q.zero_point = {}; })},
                  {"finite and above 0", with([](QParams& q) { q.scale = {0}; })},
                  {"finite and above 0", with([](QParams& q) { q.scale = {kNan}; })},
                  {"no such rounding", with([](QParams& q) { q.rounding = static_cast<Rounding>(5); })},
                  {"that of its buffer", with([](QParams& q) { q.zero_point = {4}; })},
                  {"lie in its range", with([](QParams& q) { q.qmin = 4; })},
                  {"values of [0, 256]", with([](QParams& q) { q.qmax = 256; })},
                  {"values of [-1, 255]", with([](QParams& q) { q.qmin = -1; })},
              });
}

TEST_CASE("weights must be whole, fit their bits, and have a bias and a zero point for each output channel") {
  using Linear = program::Linear;
  const auto with = [](const std::function<void(Linear&)>& how) {
    return [=](Program& p) { how(operation<Linear>(p)); };
  };
  all_refused(instruction(kLinear),
              {
                  {"must have from 2 to 8 bits", with([](Linear& l) { l.weight.bits = 9; })},
                  {"must have from 2 to 8 bits", with([](Linear& l) { l.weight.bits = 1; })},
                  {"as many values as its shape", with([](Linear& l) { l.weight.values.pop_back(); })},
                  {"as many values as its shape", with([](Linear& l) { l.weight.values.resize(21); })},
                  {"as many values as its shape", with([](Linear& l) { l.weight.values.clear(); })},
                  {"as many values as its shape", with([](Linear& l) { l.weight.values.resize(27); })},
                  {"takes as many values", with([](Linear& l) {
                     l.weight.shape = {3, 7};
                   })},
                  {"takes as many values", with([](Linear& l) { l.weight.shape = {24}; })},
                  {"weight extents", with([](Linear& l) {
                     l.weight.shape = {0, 8};
                   })},
                  {"a bias for each", with([](Linear& l) { l.bias.pop_back(); })},
                  {"a zero point for each", with([](Linear& l) { l.weight.zero_points.pop_back(); })},
                  {"weights must fit", with([](Linear& l) { l.weight.bits = 4, l.weight.values[5] = 8; })},
                  {"weights must fit", with([](Linear& l) { l.weight.bits = 4, l.weight.values[5] = -9; })},
                  {"zero points of weights must fit", with([](Linear& l) { l.weight.zero_points[2] = 128; })},
                  {"gives accumulators", [](Program& p) { p.buffers[kLinear] = p.buffers[kRequantize]; }},
                  {"gives [3], its buffer has [4]",
                   [](Program& p) { p.buffers[kLinear].shape = {4}, p.buffers[kLinear].scale = {1}; }},
                  {"not accumulators",
                   [](Program& p) {
                     p.buffers[kReshape] = {.site = "b", .shape = {8}, .cell = Cell::kS32, .bits = 32};
                     p.buffers[kLookup] = {.site = "b", .shape = {8, 1, 1}, .cell = Cell::kS32, .bits = 32};
                   }},
              });
}

TEST_CASE("an accumulator that could pass int32 by one is refused as unsupported, one that reaches its end is not") {
  // Inputs reach 255 from their zero point 0; channel 1 sums |w − 1| over its weights.
  const auto with_bias = [](std::int64_t bias) {
    Program p = whole_program();
    operation<program::Linear>(p).bias[1] = static_cast<std::int32_t>(bias);
    return p;
  };
  const program::Linear layer = std::get<program::Linear>(whole_program().instructions[kLinear].operation);
  std::int64_t reach = 0;
  for (std::size_t i = 8; i < 16; ++i) reach += 255 * std::abs(layer.weight.values[i] - 1);
  REQUIRE(reach > 0);
  CHECK(complaint(with_bias(kLargest - reach)) == "no error");
  CHECK(complaint(with_bias(reach - kLargest)) == "no error");
  for (const std::int64_t bias : {kLargest - reach + 1, reach - kLargest - 1, kLargest, -kLargest - 1}) {
    CAPTURE(bias);
    CHECK_THROWS_AS(check(with_bias(bias)), core::UnsupportedError);
    CHECK(complaint(with_bias(bias)).find("accumulator of channel 1") != std::string::npos);
  }
}

TEST_CASE("multipliers must be normalized, shifts in their range, and results those of their buffer") {
  const auto first = [](const std::function<void(Multiplier&)>& how) {
    return [=](Program& p) { how(operation<program::Conv2d>(p).requant->multipliers[3]); };
  };
  const auto with = [](const std::function<void(Requant&)>& how) {
    return [=](Program& p) { how(*operation<program::Conv2d>(p).requant); };
  };
  all_refused(instruction(kConv),
              {
                  {"is out of range", first([](Multiplier& m) { m.multiplier = (1 << 30) - 1; })},
                  {"is out of range", first([](Multiplier& m) { m.multiplier = 0; })},
                  {"is out of range", first([](Multiplier& m) { m.multiplier = -(1 << 30); })},
                  {"is out of range", first([](Multiplier& m) { m.shift = kSmallestShift - 1; })},
                  {"is out of range", first([](Multiplier& m) { m.shift = kLargestShift + 1; })},
                  {"is out of range", first([](Multiplier& m) { m.real = -1; })},
                  {"is out of range", first([](Multiplier& m) { m.real = kNan; })},
                  {"no such requant mode", with([](Requant& r) { r.mode = static_cast<RequantMode>(3); })},
                  {"zero point must be that", with([](Requant& r) { r.zero_point = 0; })},
                  {"values of [-129, 127]", with([](Requant& r) { r.low = -129; })},
                  {"values of [-128, 128]", with([](Requant& r) { r.high = 128; })},
                  {"values of [1, 0]", with([](Requant& r) { r.low = 1, r.high = 0; })},
                  {"has 3 multipliers", with([](Requant& r) { r.multipliers.pop_back(); })},
                  {"has 0 multipliers", with([](Requant& r) { r.multipliers.clear(); })},
              });
  all_refused(
      instruction(kRequantize),
      {
          {"has 2 multipliers", [](Program& p) { operation<program::Requantize>(p).requant.multipliers.pop_back(); }},
          {"gives [3]", [](Program& p) { p.buffers[kRequantize].shape = {4}; }},
      });
}

}  // namespace
