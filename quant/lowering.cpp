#include "tempera/quant/lowering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/lowered_weight.hpp"

namespace tempera::quant {
namespace {

constexpr int kAccumulatorBits = 32;

template <class Options>
std::array<std::int64_t, 2> stride_of(const Options& pool) {
  return {pool.stride[0] == 0 ? pool.size[0] : pool.stride[0], pool.stride[1] == 0 ? pool.size[1] : pool.stride[1]};
}

std::vector<float> narrowed(const std::vector<double>& scale) { return {scale.begin(), scale.end()}; }

// Scales by the first axis of `from` as scales by the first axis of `to`; empty if an index of it would have several.
std::vector<double> reshaped(const std::vector<double>& scale, const core::Shape& from, const core::Shape& to) {
  if (scale.size() == 1) return scale;
  std::vector<double> result;
  const std::int64_t old_row = from.numel() / from[0], row = to.numel() / to[0];
  for (std::int64_t c = 0; c < to[0]; ++c) {
    const std::int64_t first = c * row / old_row, last = ((c + 1) * row - 1) / old_row;
    for (std::int64_t old = first; old <= last; ++old) {
      if (scale[static_cast<std::size_t>(old)] != scale[static_cast<std::size_t>(first)]) return {};
    }
    result.push_back(scale[static_cast<std::size_t>(first)]);
  }
  return result;
}

}  // namespace

Lowering::Lowering(const nn::Graph& graph, const LowerConfig& config)
    : graph_(graph), config_(config), readers_(graph.nodes.size(), 0) {
  for (const FoldedPair& pair : folded_pairs(graph)) norms_.emplace(pair.weighted, pair.norm);
  for (const nn::GraphNode& node : graph.nodes) {
    for (const nn::GraphValue input : node.inputs) ++readers_[static_cast<std::size_t>(input)];
  }
}

Program Lowering::run(LowerReport& report) {
  program_.input = graph_.nodes.front().shape;
  for (const nn::GraphNode& node : graph_.nodes) values_.push_back(lower(node));
  const nn::GraphNode& last = graph_.nodes.back();
  if (values_.back().kind == Kind::kFloat || values_.back().kind == Kind::kPending) {
    refuse(last, fmt::format("its output is not quantized: no rule takes \"{}.output\"", last.layer));
  }
  // Every value but the last is read by a later one, so that this is the last buffer.
  static_cast<void>(settled(last, values_.back()));
  report = report_;
  return std::move(program_);
}

LoweredValue Lowering::lower(const nn::GraphNode& node) {
  return std::visit([&](const auto& op) { return visit(node, op); }, node.operation);
}

int Lowering::emit(const nn::GraphNode& node, program::Operation operation, std::vector<int> inputs,
                   ProgramBuffer buffer) {
  const int output = static_cast<int>(program_.buffers.size());
  program_.instructions.push_back(
      {.operation = std::move(operation), .layer = node.label, .inputs = std::move(inputs), .output = output});
  program_.buffers.push_back(std::move(buffer));
  return output;
}

LoweredValue Lowering::visit(const nn::GraphNode& /*node*/, const nn::graph::Input& /*op*/) { return {}; }

// The value a node reads, which must be on a grid.
const LoweredValue& Lowering::on_grid(const nn::GraphNode& node) const {
  const LoweredValue& x = value(node.inputs[0]);
  if (x.kind != Kind::kGrid) refuse_unquantized(graph_, node, node.inputs[0]);
  return x;
}

const nn::graph::BatchNorm* Lowering::norm_behind(nn::GraphValue weighted) const {
  const auto found = norms_.find(weighted);
  return found == norms_.end() ? nullptr : &std::get<nn::graph::BatchNorm>(graph_[found->second].operation);
}

// --- products ---------------------------------------------------------------------------------------------------------

namespace {

program::Operation product(const nn::graph::Linear& /*op*/, LoweredWeight& weight) {
  return program::Linear{.weight = std::move(weight.weight), .bias = std::move(weight.bias), .requant = {}};
}
program::Operation product(const nn::graph::Conv2d& op, LoweredWeight& weight) {
  return program::Conv2d{.weight = std::move(weight.weight),
                         .bias = std::move(weight.bias),
                         .stride = op.options.stride,
                         .padding = op.options.padding,
                         .dilation = op.options.dilation,
                         .groups = op.options.groups,
                         .requant = {}};
}

}  // namespace

LoweredValue Lowering::weighted(const nn::GraphNode& node) {
  const LoweredValue x = on_grid(node);
  const ProgramBuffer& in = buffer(x.buffer);
  const std::int64_t reach =
      std::max(std::abs(std::int64_t{in.low} - in.zero_point), std::abs(std::int64_t{in.high} - in.zero_point));
  LoweredWeight weight = lower_weight(node, norm_behind(static_cast<nn::GraphValue>(values_.size())),
                                      {.scale = static_cast<double>(x.grid.scale[0]), .reach = reach});
  report_.saturated_biases += weight.saturated;
  const auto bound = static_cast<std::int32_t>(weight.reach);
  ProgramBuffer sums{.site = node.label,
                     .shape = node.shape,
                     .cell = Cell::kS32,
                     .bits = kAccumulatorBits,
                     .low = -bound,
                     .high = bound,
                     .zero_point = 0,
                     .scale = narrowed(weight.scale)};
  LoweredValue result{.kind = Kind::kAccumulator, .buffer = -1, .grid = {}, .scale = weight.scale};
  program::Operation operation = std::holds_alternative<nn::graph::Linear>(node.operation)
                                     ? product(std::get<nn::graph::Linear>(node.operation), weight)
                                     : product(std::get<nn::graph::Conv2d>(node.operation), weight);
  result.buffer = emit(node, std::move(operation), {x.buffer}, std::move(sums));
  result.chain = {result.buffer};
  accumulators_[result.buffer] = result.scale;
  return result;
}

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Linear& /*op*/) { return weighted(node); }
LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Conv2d& /*op*/) { return weighted(node); }

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::BatchNorm& /*op*/) {
  if (norm_behind(node.inputs[0]) != nullptr) return value(node.inputs[0]);
  if (const auto* pass = std::get_if<nn::graph::Pass>(&graph_[node.inputs[0]].operation)) {
    refuse(node, fmt::format("is folded into the weights before it, which \"{}\" between them prevents: no rule may "
                             "take that site",
                             pass->site->name));
  }
  refuse(node, "follows no linear or conv2d of its own into whose weights it could be folded");
}

// --- what keeps values on their scale ---------------------------------------------------------------------------------

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Clamp& op) {
  LoweredValue x = value(node.inputs[0]);
  if (x.kind == Kind::kFloat) refuse_unquantized(graph_, node, node.inputs[0]);
  if (x.kind != Kind::kGrid) {
    x.range = x.range.then(op.low, op.high);
    if (readers_[static_cast<std::size_t>(node.inputs[0])] != 1) x.chain.clear();
    return x;
  }
  const IntegerRange kept = integers_within(x.grid, op.low, op.high);
  ProgramBuffer out = buffer(x.buffer);
  if (kept.low <= out.low && out.high <= kept.high) return x;
  out.site = node.label;
  out.low = std::clamp(out.low, kept.low, kept.high);
  out.high = std::clamp(out.high, kept.low, kept.high);
  const program::Clamp clamp{.low = out.low, .high = out.high};
  x.buffer = emit(node, clamp, {x.buffer}, std::move(out));
  return x;
}

// Monotone operations that keep scale and zero point: max-pooling and reshaping.
LoweredValue Lowering::moved(const nn::GraphNode& node, program::Operation operation) {
  LoweredValue x = value(node.inputs[0]);
  if (x.kind != Kind::kGrid && x.kind != Kind::kAccumulator) refuse_unquantized(graph_, node, node.inputs[0]);
  ProgramBuffer out = buffer(x.buffer);
  const core::Shape from = out.shape;
  out.site = node.label;
  out.shape = node.shape;
  if (x.kind == Kind::kAccumulator && std::holds_alternative<nn::graph::Reshape>(node.operation)) {
    x.scale = reshaped(x.scale, from, node.shape);
    if (x.scale.empty()) {
      refuse(node, fmt::format("mixes channels of different scales in {}: quantize its input", node.shape.text()));
    }
    out.scale = narrowed(x.scale);
  }
  x.buffer = emit(node, std::move(operation), {x.buffer}, std::move(out));
  if (readers_[static_cast<std::size_t>(node.inputs[0])] != 1) x.chain.clear();
  if (!x.chain.empty()) x.chain.push_back(x.buffer);
  return x;
}

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::MaxPool2d& op) {
  return moved(node, program::MaxPool2d{
                         .size = op.options.size, .stride = stride_of(op.options), .padding = op.options.padding});
}
LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Reshape& /*op*/) {
  return moved(node, program::Reshape{});
}

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::AvgPool2d& op) {
  static_cast<void>(on_grid(node));
  return moved(node, program::AvgPool2d{.size = op.options.size,
                                        .stride = stride_of(op.options),
                                        .padding = op.options.padding,
                                        .rounding = config_.average_rounding});
}
LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::GlobalAvgPool2d& /*op*/) {
  static_cast<void>(on_grid(node));
  return moved(node, program::GlobalAvgPool2d{.rounding = config_.average_rounding});
}

// --- what waits for a grid --------------------------------------------------------------------------------------------

LoweredValue Lowering::pending(const nn::GraphNode& node) {
  for (const nn::GraphValue input : node.inputs) {
    const Kind kind = value(input).kind;
    if (kind == Kind::kFloat || kind == Kind::kPending) refuse_unquantized(graph_, node, input);
  }
  return {.kind = Kind::kPending, .pending = static_cast<nn::GraphValue>(values_.size())};
}

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Add& /*op*/) { return pending(node); }

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Concat& /*op*/) {
  const LoweredValue& first = value(node.inputs[0]);
  const auto same_grid = [&](nn::GraphValue input) {
    const LoweredValue& x = value(input);
    return x.kind == Kind::kGrid && x.grid.scale == first.grid.scale && x.grid.zero_point == first.grid.zero_point &&
           buffer(x.buffer).cell == buffer(first.buffer).cell;
  };
  if (first.kind != Kind::kGrid || !std::ranges::all_of(node.inputs, same_grid)) return pending(node);
  LoweredValue result = first;
  ProgramBuffer out = buffer(first.buffer);
  out.site = node.label;
  out.shape = node.shape;
  std::vector<int> inputs;
  for (const nn::GraphValue input : node.inputs) {
    inputs.push_back(value(input).buffer);
    out.low = std::min(out.low, buffer(inputs.back()).low);
    out.high = std::max(out.high, buffer(inputs.back()).high);
  }
  result.buffer = emit(node, program::Concat{.requants = std::vector<std::optional<Requant>>(inputs.size())}, inputs,
                       std::move(out));
  return result;
}

LoweredValue Lowering::visit(const nn::GraphNode& node, const nn::graph::Function& op) {
  static_cast<void>(function_of(node, op, 0));  // refuses what has no table
  static_cast<void>(on_grid(node));
  return pending(node);
}

}  // namespace tempera::quant
