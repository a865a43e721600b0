// A program with every kind of instruction, and damages to it that must be noticed. Oracle: the rules that program.hpp states;
// each is broken in one place at a time, and the error has to name that place and the rule.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant_test::damage {

using namespace quant;

inline constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

inline ProgramBuffer signed_bytes(const core::Shape& shape, std::int32_t zero_point, std::int32_t low,
                                  std::int32_t high) {
  return {.site = "b", .shape = shape, .low = low, .high = high, .zero_point = zero_point};
}

inline Requant requant(std::size_t multipliers, std::int32_t zero_point) {
  return {.multipliers = std::vector<Multiplier>(multipliers, multiplier_of(0.01)), .zero_point = zero_point};
}

inline ProgramWeight weight(const core::Shape& shape, int bits) {
  ProgramWeight w{.shape = shape, .bits = bits, .values = {}, .zero_points = {}};
  for (std::int64_t i = 0; i < shape.numel(); ++i) w.values.push_back(static_cast<std::int8_t>(i % 3 - 1));
  w.zero_points.assign(static_cast<std::size_t>(shape[0]), 1);
  return w;
}

/// Positions of instructions; the buffer of the same number is what each writes.
enum : std::size_t {
  kQuantize,
  kConv,
  kClamp,
  kMax,
  kAvg,
  kAdd,
  kConcat,
  kGlobal,
  kLookup,
  kReshape,
  kLinear,
  kRequantize
};

/// Every kind of instruction once.
inline Program whole_program() {
  Program p{
      .buffers = {{.site = "input", .shape = {2, 6, 6}, .cell = Cell::kU8, .low = 0, .high = 255, .zero_point = 3},
                  signed_bytes({4, 6, 6}, -5, -128, 127),
                  signed_bytes({4, 6, 6}, -5, -5, 100),
                  signed_bytes({4, 3, 3}, -5, -5, 100),
                  signed_bytes({4, 3, 3}, -5, -5, 100),
                  signed_bytes({4, 3, 3}, 2, -128, 127),
                  signed_bytes({8, 3, 3}, 2, -128, 127),
                  signed_bytes({8, 1, 1}, 2, -128, 127),
                  {.site = "table", .shape = {8, 1, 1}, .cell = Cell::kU8, .low = 0, .high = 255, .zero_point = 0},
                  {.site = "flat", .shape = {8}, .cell = Cell::kU8, .low = 0, .high = 255, .zero_point = 0},
                  {.site = "acc", .shape = {3}, .cell = Cell::kS32, .bits = 32, .scale = {1, 2, 3}},
                  {.site = "logits", .shape = {3}, .cell = Cell::kS16, .bits = 9, .low = -256, .high = 255}},
      .instructions = {},
      .input = {2, 6, 6},
      .metadata = {}};
  Requant wide = requant(3, 0);
  wide.low = -256, wide.high = 255;
  p.instructions = {
      {program::Quantize{{.is_signed = false, .qmin = 0, .qmax = 255, .zero_point = {3}}}, "input", {}, 0},
      {program::Conv2d{weight({4, 1, 3, 3}, 4), {1, 2, 3, 4}, {1, 1}, {1, 1}, {1, 1}, 2, requant(4, -5)},
       "conv",
       {0},
       1},
      {program::Clamp{-5, 100}, "relu", {1}, 2},
      {program::MaxPool2d{{2, 2}, {2, 2}, {0, 0}}, "max", {2}, 3},
      {program::AvgPool2d{{3, 3}, {1, 1}, {1, 1}, Rounding::kHalfAway}, "avg", {3}, 4},
      {program::Add{{1 << 20}, {1, 2, 3, 4}, 21, 2, -128, 127}, "add", {3, 4}, 5},
      {program::Concat{{requant(4, 2), std::nullopt}}, "concat", {4, 5}, 6},
      {program::GlobalAvgPool2d{Rounding::kHalfUp}, "global", {6}, 7},
      {program::Lookup{std::vector<std::int32_t>(256, 9)}, "sigmoid", {7}, 8},
      {program::Reshape{}, "flatten", {8}, 9},
      {program::Linear{weight({3, 8}, 8), {0, -7, 7}, std::nullopt}, "fc", {9}, 10},
      {program::Requantize{wide}, "head", {10}, 11}};
  return p;
}

template <class Operation>
Operation& operation(Program& p) {
  for (Instruction& in : p.instructions) {
    if (auto* found = std::get_if<Operation>(&in.operation)) return *found;
  }
  throw core::Error("no such instruction");
}

struct Damage {
  const char* rule;  ///< part of the error's text
  std::function<void(Program&)> to;
};

inline std::string complaint(const Program& p) {
  try {
    check(p);
  } catch (const core::Error& error) {
    return error.what();
  }
  return "no error";
}

/// Every damage has to be noticed by check(), by the engine and by the reference, at `where`.
inline void all_refused(const std::string& where, const std::vector<Damage>& damages) {
  for (const Damage& damage : damages) {
    Program p = whole_program();
    damage.to(p);
    CAPTURE(damage.rule);
    const std::string text = complaint(p);
    CHECK_MESSAGE(text.find(damage.rule) != std::string::npos, text);
    CHECK_MESSAGE(text.starts_with(where), text);
    CHECK_THROWS_AS(Engine{p}, core::Error);
    CHECK_THROWS_AS(static_cast<void>(run_reference(p, core::Tensor::zeros({1, 2, 6, 6}))), core::Error);
  }
}

inline std::string instruction(std::size_t position) { return "instruction " + std::to_string(position) + " ("; }

}  // namespace tempera::quant_test::damage
