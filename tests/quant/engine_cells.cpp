// Values passed from every kind of cell to every other by every instruction that may do so. Oracle: the reference, one value at
// a time; and what check() refuses is listed, so that a pair is either run right or refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

struct Kind {
  std::string name;
  Cell cell;
  int bits;
  std::int32_t low, high, zero_point;
};
// Zero points at both ends too: a value less its zero point may need 17 bits.
const std::array<Kind, 10> kKinds{{{"u8", Cell::kU8, 8, 0, 255, 0},
                                   {"u8 at 255", Cell::kU8, 8, 0, 255, 255},
                                   {"s8", Cell::kS8, 8, -128, 127, 0},
                                   {"s8 at -128", Cell::kS8, 8, -128, 127, -128},
                                   {"u16", Cell::kU16, 16, 0, 65535, 0},
                                   {"u16 at 65535", Cell::kU16, 16, 0, 65535, 65535},
                                   {"s16", Cell::kS16, 16, -32768, 32767, 0},
                                   {"s16 at 32767", Cell::kS16, 16, -32768, 32767, 32767},
                                   {"s16 at -32768", Cell::kS16, 16, -32768, 32767, -32768},
                                   {"s32", Cell::kS32, 32, 0, 0, 0}}};

ProgramBuffer buffer(const Kind& kind, const core::Shape& shape) {
  return {.site = kind.name,
          .shape = shape,
          .cell = kind.cell,
          .bits = kind.bits,
          .low = kind.low,
          .high = kind.high,
          .zero_point = kind.zero_point};
}

// Samples become values of `kind`; accumulators by a convolution with single weights of 1.
Program source(const Kind& kind, const core::Shape& shape) {
  const Kind& first = kind.cell == Cell::kS32 ? kKinds[6] : kind;
  Program p{.buffers = {buffer(first, shape)}, .instructions = {}, .input = shape, .metadata = {}};
  const QParams params{
      .bits = first.bits, .qmin = first.low, .qmax = first.high, .scale = {1}, .zero_point = {first.zero_point}};
  p.instructions.push_back({program::Quantize{params}, "input", {}, 0});
  if (kind.cell != Cell::kS32) return p;
  const auto channels = static_cast<std::size_t>(shape[0]);
  const ProgramWeight ones{
      .shape = {shape[0], 1, 1, 1}, .bits = 2, .values = std::vector<std::int8_t>(channels, 1), .zero_points = {}};
  p.buffers.push_back(buffer(kind, shape));
  p.instructions.push_back({program::Conv2d{.weight = ones,
                                            .bias = std::vector<std::int32_t>(channels, 70000),
                                            .stride = {1, 1},
                                            .padding = {0, 0},
                                            .dilation = {1, 1},
                                            .groups = shape[0],
                                            .requant = {}},
                            "acc",
                            {0},
                            1});
  return p;
}

core::Tensor samples(const core::Shape& shape) {
  core::Tensor x(shape.with_batch(3));
  core::Random(5, "cells").fill_uniform(x.mutable_values(), -70000, 70000);
  for (std::size_t i = 0; i < x.values().size(); i += 3) x.mutable_values()[i] /= 500;  // of the size of bytes
  return x;
}

struct Passed {
  std::string name;
  program::Operation operation;
  std::size_t inputs = 1;  // the same one every time
  core::Shape output;
};

// Everything that may take `from` to `to` in images of `shape`, whether check() allows it or not.
std::vector<Passed> passes(const Kind& from, const Kind& to, const core::Shape& shape) {
  const std::int64_t c = shape[0], h = shape[1], w = shape[2];
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  const bool wide = to.cell == Cell::kS32;
  const std::int32_t low = wide ? -kMost - 1 : to.low, high = wide ? kMost : to.high;
  const Requant requant{.multipliers = {multiplier_of(0.7)}, .zero_point = to.zero_point, .low = low, .high = high};
  std::vector<std::int32_t> table;
  for (std::int64_t q = from.low; q <= from.high; ++q) {
    table.push_back(static_cast<std::int32_t>((q * 31 & 0xFFFF) % (std::int64_t{high} - low + 1) + low));
  }
  return {{"clamp", program::Clamp{std::max(low, -60), std::min(high, 90)}, 1, shape},
          {"max", program::MaxPool2d{{2, 2}, {1, 2}, {1, 0}}, 1, {c, h + 1, (w - 2) / 2 + 1}},
          {"avg", program::AvgPool2d{{2, 2}, {1, 2}, {1, 0}, Rounding::kHalfAway}, 1, {c, h + 1, (w - 2) / 2 + 1}},
          {"global", program::GlobalAvgPool2d{Rounding::kHalfEven}, 1, {c}},
          {"reshape", program::Reshape{}, 1, {c * h * w}},
          {"reshape image", program::Reshape{}, 1, {h, c, w}},
          {"concat", program::Concat{{std::nullopt, std::nullopt}}, 2, {2 * c, h, w}},
          {"concat requant", program::Concat{{requant, requant}}, 2, {2 * c, h, w}},
          {"requantize", program::Requantize{requant}, 1, shape},
          {"lookup", program::Lookup{table}, 1, shape},
          {"add", program::Add{{3 << 20}, {-5 << 18}, 22, to.zero_point, low, high}, 2, shape}};
}

// The program that ends with `passed`, or nothing if that breaks a rule.
std::optional<Program> program_of(const Kind& from, const Kind& to, const Passed& passed, const core::Shape& shape) {
  Program p = source(from, shape);
  const int input = static_cast<int>(p.buffers.size()) - 1;
  p.buffers.push_back(buffer(to, passed.output));
  p.instructions.push_back(
      {passed.operation, passed.name, std::vector<int>(passed.inputs, input), static_cast<int>(p.buffers.size()) - 1});
  try {
    check(p);
  } catch (const core::Error&) {
    return std::nullopt;
  }
  return p;
}

}  // namespace

TEST_CASE("every instruction that check allows between two kinds of cells gives the reference's values") {
  std::vector<int> allowed(11);
  for (const core::Shape& shape : {core::Shape{3, 5, 4}, core::Shape{1, 4, 6}, core::Shape{8, 2, 2}}) {
    const core::Tensor x = samples(shape);
    for (const Kind& from : kKinds) {
      for (const Kind& to : kKinds) {
        const std::vector<Passed> all = passes(from, to, shape);
        for (std::size_t i = 0; i < all.size(); ++i) {
          const std::optional<Program> p = program_of(from, to, all[i], shape);
          if (!p) continue;
          ++allowed[i];
          CAPTURE(all[i].name);
          CAPTURE(from.name);
          CAPTURE(to.name);
          CAPTURE(shape.text());
          const IntTensor expected = run_reference(*p, x);
          Engine engine(*p);
          CHECK(std::ranges::equal(engine.run(x), expected.values));
          CHECK(engine.run(x, Watch{}).values == expected.values);
        }
      }
    }
  }
  for (const int count : allowed) CHECK(count >= 3 * 9);
}
