// check() refuses a program for every rule of an operation without weights, and of windows; see damaged_program.hpp.
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

TEST_CASE("windows must have sizes, groups and outputs that fit their image") {
  using Conv = program::Conv2d;
  const auto with = [](const std::function<void(Conv&)>& how) { return [=](Program& p) { how(operation<Conv>(p)); }; };
  all_refused(instruction(kConv),
              {
                  {"groups ≥ 1", with([](Conv& c) { c.groups = 0; })},
                  {"groups ≥ 1", with([](Conv& c) {
                     c.weight.shape = {4, 9};
                   })},
                  {"divided evenly", with([](Conv& c) { c.groups = 1; })},
                  {"divided evenly", with([](Conv& c) { c.groups = 3; })},
                  {"divided evenly", with([](Conv& c) { c.groups = kLargest; })},
                  {"stride, dilation", with([](Conv& c) { c.stride[0] = 0; })},
                  {"stride, dilation", with([](Conv& c) { c.stride[1] = 65536; })},
                  {"stride, dilation", with([](Conv& c) { c.dilation[1] = -1; })},
                  {"stride, dilation", with([](Conv& c) { c.padding[0] = -1; })},
                  {"stride, dilation", with([](Conv& c) { c.padding[0] = 65536; })},
                  {"gives [4, 8, 6]", with([](Conv& c) { c.padding[0] = 2; })},
                  {"gives [4, 0, 6]", with([](Conv& c) { c.dilation[0] = 5; })},
                  {"padded image must hold fewer than 2^31 values",
                   [](Program& p) {
                     operation<Conv>(p).stride = {65535, 65535}, operation<Conv>(p).padding = {65535, 65535};
                     p.buffers[kConv].shape = {4, 3, 3};
                   }},
                  {"takes [channels, height, width]", [](Program& p) { p.input = p.buffers[kQuantize].shape = {72}; }},
              });
  using Max = program::MaxPool2d;
  const auto max = [](const std::function<void(Max&)>& how) { return [=](Program& p) { how(operation<Max>(p)); }; };
  all_refused(instruction(kMax), {
                                     {"size and stride", max([](Max& m) { m.size[0] = 0; })},
                                     {"size and stride", max([](Max& m) { m.stride[1] = 0; })},
                                     {"size and stride", max([](Max& m) { m.stride[1] = 65536; })},
                                     {"less than the window", max([](Max& m) { m.padding[0] = 2; })},
                                     {"less than the window", max([](Max& m) { m.padding[1] = -1; })},
                                     {"gives [4, 5, 3]", max([](Max& m) { m.stride[0] = 1; })},
                                 });
}

TEST_CASE("values that are passed on keep their grid and stay in the range of their buffer") {
  const auto buffer = [](std::size_t i, const std::function<void(ProgramBuffer&)>& how) {
    return [=](Program& p) { how(p.buffers[i]); };
  };
  for (const std::size_t i :
       {std::size_t{kClamp}, std::size_t{kMax}, std::size_t{kAvg}, std::size_t{kGlobal}, std::size_t{kReshape}}) {
    all_refused(instruction(i),
                {
                    {"same scale and zero point", buffer(i, [](ProgramBuffer& b) { b.scale = {2}; })},
                    {"same scale and zero point", buffer(i, [](ProgramBuffer& b) { b.zero_point += 1; })},
                    {"its buffer holds", buffer(i, [](ProgramBuffer& b) { b.high = 99; })},
                });
  }
  all_refused(instruction(kClamp), {
                                       {"gives values of [7, 6]",
                                        [](Program& p) {
                                          operation<program::Clamp>(p) = {7, 6};
                                        }},
                                       {"gives [4, 6, 6]", buffer(kClamp,
                                                                  [](ProgramBuffer& b) {
                                                                    b.shape = {4, 36};
                                                                  })},
                                   });
  all_refused(instruction(kAvg), {{"cannot be rounded so", [](Program& p) {
                                     operation<program::AvgPool2d>(p).rounding = Rounding::kStochastic;
                                   }}});
  all_refused(instruction(kGlobal),
              {
                  {"one value for each channel", buffer(kGlobal,
                                                        [](ProgramBuffer& b) {
                                                          b.shape = {8, 1};
                                                        })},
                  {"cannot be rounded so",
                   [](Program& p) { operation<program::GlobalAvgPool2d>(p).rounding = static_cast<Rounding>(-1); }},
              });
  all_refused(instruction(kReshape), {{"number of values", buffer(kReshape, [](ProgramBuffer& b) { b.shape = {9}; })}});
}

TEST_CASE("pools give activations of activations, and accumulators of accumulators") {
  for (const std::size_t i : {std::size_t{kMax}, std::size_t{kAvg}, std::size_t{kGlobal}}) {
    all_refused(instruction(i), {{"accumulators to accumulators", [i](Program& p) {
                                    for (ProgramBuffer& b : p.buffers) {  // zero point 0, as an accumulator has
                                      if (b.cell == Cell::kS8) b.zero_point = 0;
                                    }
                                    operation<program::Conv2d>(p).requant->zero_point = 0;
                                    operation<program::Add>(p).zero_point = 0;
                                    operation<program::Concat>(p).requants[0]->zero_point = 0;
                                    p.buffers[i].cell = Cell::kS32;
                                    p.buffers[i].bits = 32;
                                  }}});
  }
}

TEST_CASE("a sum has multipliers for its channels whose products and shift stay in 64 bits") {
  using Add = program::Add;
  const auto with = [](const std::function<void(Add&)>& how) { return [=](Program& p) { how(operation<Add>(p)); }; };
  all_refused(instruction(kAdd),
              {
                  {"must be from 0 to 62", with([](Add& a) { a.shift = -1; })},
                  {"must be from 0 to 62", with([](Add& a) { a.shift = 63; })},
                  {"multipliers of its first input", with([](Add& a) {
                     a.multiplier_a = {1, 2};
                   })},
                  {"multipliers of its second input", with([](Add& a) { a.multiplier_b = {}; })},
                  {"below 2^62", with([](Add& a) { a.multiplier_a = {std::int64_t{1} << 56}; })},  // reach 105
                  {"below 2^62", with([](Add& a) { a.multiplier_b[2] = std::numeric_limits<std::int64_t>::min(); })},
                  {"that of its buffer", with([](Add& a) { a.zero_point = 3; })},
                  {"values of [-128, 128]", with([](Add& a) { a.high = 128; })},
                  {"gives [4, 6, 6]",
                   [](Program& p) {
                     p.instructions[kAdd].inputs = {2, 4};
                   }},
                  {"gives [4, 6, 6]",
                   [](Program& p) {
                     p.instructions[kAdd].inputs = {3, 2};
                   }},
              });
}

TEST_CASE("inputs of a concatenation agree in all but channels, and on the grid they are given") {
  using Concat = program::Concat;
  const auto with = [](const std::function<void(Concat&)>& how) {
    return [=](Program& p) { how(operation<Concat>(p)); };
  };
  all_refused(instruction(kConcat),
              {
                  {"as many inputs", with([](Concat& c) { c.requants.pop_back(); })},
                  {"at least one",
                   [](Program& p) { p.instructions[kConcat].inputs.clear(), operation<Concat>(p).requants.clear(); }},
                  {"same rank",
                   [](Program& p) {
                     p.buffers[kConcat].shape = {8, 9};
                   }},
                  {"every axis but the first",
                   [](Program& p) {
                     p.buffers[kConcat].shape = {8, 3, 4};
                   }},
                  {"as many channels",
                   [](Program& p) {
                     p.buffers[kConcat].shape = {7, 3, 3};
                   }},
                  {"same scale and zero point", with([](Concat& c) { std::swap(c.requants[0], c.requants[1]); })},
                  {"has 3 multipliers, needs 1 or one for each channel",
                   with([](Concat& c) { c.requants[0]->multipliers.pop_back(); })},
                  {"is out of range", with([](Concat& c) { c.requants[0]->multipliers[1].shift = 34; })},
                  {"its buffer holds", [](Program& p) { p.buffers[kConcat].low = -100; }},
              });
}

TEST_CASE("a table has an entry for each value of its input, all of them values of its buffer") {
  using Lookup = program::Lookup;
  const auto with = [](const std::function<void(Lookup&)>& how) {
    return [=](Program& p) { how(operation<Lookup>(p)); };
  };
  all_refused(instruction(kLookup), {
                                        {"an entry for each value", with([](Lookup& l) { l.table.pop_back(); })},
                                        {"an entry for each value", with([](Lookup& l) { l.table.clear(); })},
                                        {"values of [9, 256]", with([](Lookup& l) { l.table[255] = 256; })},
                                        {"values of [-1, 9]", with([](Lookup& l) { l.table[0] = -1; })},
                                        {"gives [8, 1, 1]", [](Program& p) { p.buffers[kLookup].shape = {8}; }},
                                    });
}

}  // namespace
