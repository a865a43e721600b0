// Where a site gives a value its grid: the fused requantizations, sums, joins and tables.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/quant/lowering.hpp"

namespace tempera::quant {
namespace {

Cell cell_of(const QParams& grid) {
  if (grid.bits <= 8) return grid.is_signed ? Cell::kS8 : Cell::kU8;
  return grid.is_signed ? Cell::kS16 : Cell::kU16;
}

bool same(const QParams& a, const QParams& b) {
  return a.bits == b.bits && a.is_signed == b.is_signed && a.qmin == b.qmin && a.qmax == b.qmax && a.scale == b.scale &&
         a.zero_point == b.zero_point;
}

// Scales of what a buffer holds.
std::vector<double> scales_of(const LoweredValue& x) {
  return x.kind == LoweredValue::Kind::kGrid ? std::vector<double>{static_cast<double>(x.grid.scale[0])} : x.scale;
}

}  // namespace

// A buffer of a site.
ProgramBuffer Lowering::placed(const nn::GraphNode& node, const QParams& grid, const RealRange& range) const {
  const IntegerRange kept = integers_within(grid, range.low, range.high);
  return {.site = std::get<nn::graph::Pass>(node.operation).site->name,
          .shape = node.shape,
          .cell = cell_of(grid),
          .bits = grid.bits,
          .low = kept.low,
          .high = kept.high,
          .zero_point = grid.zero_point[0],
          .scale = {grid.scale[0]}};
}

Requant Lowering::requant(const nn::GraphNode& node, const LoweredValue& x, std::span<const double> scale,
                          const QParams& grid, const RealRange& range) const {
  const IntegerRange kept = integers_within(grid, range.low, range.high);
  Requant result{
      .multipliers = {}, .mode = config_.requant, .zero_point = grid.zero_point[0], .low = kept.low, .high = kept.high};
  if (!grid.thresholds.empty()) {
    result.mode = RequantMode::kSingle;
    result.thresholds = thresholds(node, x, scale, grid, kept);
    return result;
  }
  for (const double s : scale) {
    try {
      result.multipliers.push_back(multiplier_of(s / static_cast<double>(grid.scale[0])));
    } catch (const core::UnsupportedError& error) {
      refuse(node, error.what());
    }
  }
  return result;
}

// Those between the integers that a value can have, as the integers that reach them: one for each scale.
Thresholds Lowering::thresholds(const nn::GraphNode& node, const LoweredValue& x, std::span<const double> scale,
                                const QParams& grid, IntegerRange kept) const {
  const std::int32_t highest = program_.buffers[static_cast<std::size_t>(x.buffer)].high;
  constexpr std::int64_t kMost = kLargestAccumulator;
  Thresholds result;
  for (const double s : scale) {
    for (std::int32_t q = kept.low; q < kept.high; ++q) {
      const auto t = static_cast<double>(grid.thresholds[static_cast<std::size_t>(q - grid.qmin)]);
      const std::int64_t first = first_reaching(s, t);
      // 2^31 − 1 stands for what is never reached, so nothing may reach that.
      if (first > kMost && highest == kMost) {
        refuse(node, fmt::format("threshold {} lies where its accumulators end, at 2^31 − 1", t));
      }
      result.values.push_back(static_cast<std::int32_t>(std::clamp(first, -kMost - 1, kMost)));
    }
  }
  return result;
}

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Pass& op) {
  const QParams grid = grid_of(node, *op.site);
  const LoweredValue& x = value(node.inputs[0]);
  LoweredValue result{.kind = Kind::kGrid, .grid = grid.of_values()};
  switch (x.kind) {
    case Kind::kFloat:
      refuse_thresholds(node, grid, "samples, which are rounded from floats");
      result.buffer = emit(node, program::Quantize{grid}, {}, placed(node, grid, {}));
      break;
    case Kind::kGrid:
      if (grid.thresholds.empty() && same(x.grid, grid)) return x;
      [[fallthrough]];
    case Kind::kAccumulator:
      result.buffer = requantized(node, x, grid);
      break;
    case Kind::kPending: {
      const nn::graph::Operation& waiting = graph_[x.pending].operation;
      result.buffer = std::holds_alternative<nn::graph::Add>(waiting)      ? added(node, x, grid)
                      : std::holds_alternative<nn::graph::Concat>(waiting) ? joined(node, x, grid)
                                                                           : looked_up(node, x, grid);
    }
  }
  return result;
}

int Lowering::requantized(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid) {
  ProgramBuffer out = placed(node, grid, x.range);
  const bool alone = readers_[static_cast<std::size_t>(node.inputs[0])] == 1;
  if (!x.chain.empty() && alone) {
    return hoisted(x.chain, out, requant(node, x, accumulators_.at(x.chain.front()), grid, x.range));
  }
  return emit(node, program::Requantize{requant(node, x, scales_of(x), grid, x.range)}, {x.buffer}, std::move(out));
}

// Puts the requantization into the layer that makes the sums; what follows works on its integers.
int Lowering::hoisted(const std::vector<int>& chain, const ProgramBuffer& out, Requant requant) {
  program::Operation& maker = program_.instructions[static_cast<std::size_t>(chain.front())].operation;
  if (auto* linear = std::get_if<program::Linear>(&maker)) {
    linear->requant = std::move(requant);
  } else {
    std::get<program::Conv2d>(maker).requant = std::move(requant);
  }
  for (const int index : chain) {
    const core::Shape shape = buffer(index).shape;
    const std::string name = index == chain.back() ? out.site : buffer(index).site;
    buffer(index) = out;
    buffer(index).shape = shape;
    buffer(index).site = name;
  }
  return chain.back();
}

int Lowering::added(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid) {
  const nn::GraphNode& sum = graph_[x.pending];
  refuse_thresholds(sum, grid, "a sum of two scales");
  const LoweredValue a = value(sum.inputs[0]), b = value(sum.inputs[1]);
  const AddMultipliers m = add_multipliers(sum.label, scales_of(a), scales_of(b), static_cast<double>(grid.scale[0]));
  const std::vector<int> inputs{settled(sum, a), settled(sum, b)};
  ProgramBuffer out = placed(node, grid, x.range);
  program::Add operation{.multiplier_a = m.a,
                         .multiplier_b = m.b,
                         .shift = m.shift,
                         .zero_point = out.zero_point,
                         .low = out.low,
                         .high = out.high};
  return emit(sum, std::move(operation), inputs, std::move(out));
}

int Lowering::joined(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid) {
  const nn::GraphNode& join = graph_[x.pending];
  program::Concat operation;
  std::vector<int> inputs;
  for (const nn::GraphValue input : join.inputs) {
    const LoweredValue& part = value(input);
    const RealRange range = part.range.then(x.range.low, x.range.high);
    operation.requants.emplace_back(requant(join, part, scales_of(part), grid, range));
    inputs.push_back(part.buffer);
  }
  return emit(join, std::move(operation), std::move(inputs), placed(node, grid, x.range));
}

int Lowering::looked_up(const nn::GraphNode& node, const LoweredValue& x, const QParams& grid) {
  const nn::GraphNode& function = graph_[x.pending];
  const LoweredValue& from = value(function.inputs[0]);
  const ProgramBuffer& in = buffer(from.buffer);
  ProgramBuffer out = placed(node, grid, x.range);
  program::Lookup operation;
  for (std::int32_t q = in.low; q <= in.high; ++q) {
    const auto real = static_cast<double>(from.grid.dequantize(q));
    const double y = function_of(function, std::get<nn::graph::Function>(function.operation), real);
    operation.table.push_back(std::clamp(grid.quantize(static_cast<float>(y)), out.low, out.high));
  }
  return emit(function, std::move(operation), {from.buffer}, std::move(out));
}

int Lowering::settled(const nn::GraphNode& node, const LoweredValue& x) {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
  if (x.range.low == -HUGE_VAL && x.range.high == HUGE_VAL) return x.buffer;
  if (!x.range.scale_free()) {
    refuse(node,
           fmt::format("a clamp to [{}, {}] before it falls between the integers of an accumulator: no rule takes "
                       "the clamp's output",
                       x.range.low, x.range.high));
  }
  ProgramBuffer out = buffer(x.buffer);
  const program::Clamp kept{.low = x.range.low == 0 ? 0 : kLowest, .high = x.range.high == 0 ? 0 : kHighest};
  out.low = std::clamp(out.low, kept.low, kept.high);
  out.high = std::clamp(out.high, kept.low, kept.high);
  return emit(node, kept, {x.buffer}, std::move(out));
}

}  // namespace tempera::quant
