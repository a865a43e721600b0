#include "tempera/quant/exact_forward.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/quant/exact_operations.hpp"
#include "tempera/quant/exact_value.hpp"
#include "tempera/quant/fold_bn.hpp"

namespace tempera::quant {
namespace {

using core::Shape;
using Kind = ExactValue::Kind;
using Values = ExactValue::Values;

// One pass of a batch through the graph.
class Walk {
 public:
  Walk(const nn::Graph& graph, const LowerConfig& config, std::map<nn::GraphValue, nn::GraphValue>& norms,
       std::map<nn::GraphValue, ExactWeight>& weights, const core::Tensor& x)
      : graph_(graph), config_(config), norms_(norms), weights_(weights), x_(x), images_(x.shape()[0]) {}

  const ExactValue& run(const SiteWatch& watch) {
    for (const nn::GraphNode& node : graph_.nodes) {
      values_.push_back(std::visit([&](const auto& op) { return visit(node, op); }, node.operation));
      const bool last = values_.size() == graph_.nodes.size();
      if (last) settle(node, values_.back());
      const auto* pass = std::get_if<nn::graph::Pass>(&node.operation);
      if (!watch || (pass == nullptr && !last)) continue;
      watch(pass == nullptr ? node.label : pass->site->name, {node.shape.with_batch(images_), *values_.back().q});
    }
    return values_.back();
  }

 private:
  ExactValue visit(const nn::GraphNode& node, const nn::graph::Input& /*op*/) { return {.shape = node.shape}; }

  ExactValue visit(const nn::GraphNode& node, const nn::graph::Linear& /*op*/) {
    return sums(node, [&](const ExactValue& x, const ExactWeight& weight) { return exact_linear(x, weight); });
  }
  ExactValue visit(const nn::GraphNode& node, const nn::graph::Conv2d& op) {
    return sums(
        node, [&](const ExactValue& x, const ExactWeight& weight) { return exact_conv2d(x, weight, op, node.shape); });
  }

  template <class Fn>
  ExactValue sums(const nn::GraphNode& node, Fn product) {
    const ExactValue& x = on_grid(node);
    const auto position = static_cast<nn::GraphValue>(values_.size());
    if (!weights_.contains(position)) {
      const auto norm = norms_.find(position);
      weights_[position] = exact_weight(
          node, norm == norms_.end() ? nullptr : &std::get<nn::graph::BatchNorm>(graph_[norm->second].operation), x);
    }
    const ExactWeight& weight = weights_[position];
    ExactValue y{.kind = Kind::kSums, .shape = node.shape, .q = exact_values(product(x, weight))};
    const auto each = static_cast<std::size_t>(node.shape.numel() / node.shape[0]);
    for (const double s : weight.scale) y.scale.insert(y.scale.end(), each, s);
    return y;
  }

  // Folded into the weights when those were made.
  ExactValue visit(const nn::GraphNode& node, const nn::graph::BatchNorm& /*op*/) {
    const auto folded = [&](const auto& pair) { return pair.first == node.inputs[0]; };
    if (!std::ranges::any_of(norms_, folded)) refuse(node, "is folded into no weights");
    return in(node, 0);
  }

  ExactValue visit(const nn::GraphNode& node, const nn::graph::Clamp& op) {
    ExactValue x = in(node, 0);
    if (x.kind != Kind::kGrid) {
      x.range = x.range.then(op.low, op.high);
      return x;
    }
    const IntegerRange kept = integers_within(x.grid, op.low, op.high);
    x.low = std::clamp(x.low, kept.low, kept.high);
    x.high = std::clamp(x.high, kept.low, kept.high);
    x.q = mapped(x, [&](std::int32_t q, std::size_t /*i*/) { return std::clamp(q, kept.low, kept.high); });
    return x;
  }

  ExactValue visit(const nn::GraphNode& node, const nn::graph::Reshape& /*op*/) {
    ExactValue x = known(node, 0);
    x.shape = node.shape;
    return x;
  }

  ExactValue visit(const nn::GraphNode& node, const nn::graph::MaxPool2d& op) {
    const auto largest = [](std::span<const std::int32_t> cells) { return *std::ranges::max_element(cells); };
    return pooled(known(node, 0), node.shape, op.options, largest);
  }
  ExactValue visit(const nn::GraphNode& node, const nn::graph::AvgPool2d& op) { return averaged(node, op.options); }
  ExactValue visit(const nn::GraphNode& node, const nn::graph::GlobalAvgPool2d& /*op*/) {
    const Shape& image = on_grid(node).shape;
    return averaged(node, {.size = {image[1], image[2]}, .stride = {1, 1}});
  }

  ExactValue visit(const nn::GraphNode& node, const nn::graph::Add& /*op*/) { return pending(node); }
  ExactValue visit(const nn::GraphNode& node, const nn::graph::Concat& /*op*/) {
    ExactValue joined = pending(node);
    const QParams& grid = in(node, 0).grid;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ExactValue& part = in(node, i);
      if (part.kind != Kind::kGrid || part.grid.scale != grid.scale || part.grid.zero_point != grid.zero_point ||
          part.grid.is_signed != grid.is_signed || (part.grid.bits > 8) != (grid.bits > 8)) {
        return joined;
      }
    }
    joined.kind = Kind::kGrid;
    joined.grid = grid;
    joined.low = in(node, 0).low;
    joined.high = in(node, 0).high;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      joined.low = std::min(joined.low, in(node, i).low);
      joined.high = std::max(joined.high, in(node, i).high);
    }
    std::vector<Values> parts;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(in(node, i).q);
    joined.q = side_by_side(parts, images_);
    return joined;
  }
  ExactValue visit(const nn::GraphNode& node, const nn::graph::Function& op) {
    static_cast<void>(function_of(node, op, 0));
    static_cast<void>(on_grid(node));
    return pending(node);
  }

  ExactValue visit(const nn::GraphNode& node, const nn::graph::Pass& op) {
    const QParams grid = grid_of(node, *op.site);
    const ExactValue& x = in(node, 0);
    const IntegerRange kept = integers_within(grid, x.range.low, x.range.high);
    ExactValue y{
        .kind = Kind::kGrid, .shape = node.shape, .grid = grid.of_values(), .low = kept.low, .high = kept.high};
    if (x.kind == Kind::kFloat) {
      refuse_thresholds(node, grid, "samples, which are rounded from floats");
      std::vector<std::int32_t> q;
      for (const Scalar v : x_.values()) q.push_back(grid.quantize(static_cast<float>(v)));
      y.q = exact_values(std::move(q));
    } else if (x.kind != Kind::kPending) {
      y.q = requantized(node.label, x, grid, kept, config_.requant);
    } else if (std::holds_alternative<nn::graph::Add>(graph_[x.pending].operation)) {
      refuse_thresholds(graph_[x.pending], grid, "a sum of two scales");
      y.q = added(graph_[x.pending], grid, kept);
    } else if (std::holds_alternative<nn::graph::Concat>(graph_[x.pending].operation)) {
      y.q = joined(graph_[x.pending], x.range, grid);
    } else {
      y.q = looked_up(graph_[x.pending], grid, kept);
    }
    return y;
  }

  [[nodiscard]] Values added(const nn::GraphNode& node, const QParams& grid, IntegerRange kept) const {
    ExactValue a = in(node, 0);
    ExactValue b = in(node, 1);
    settle(node, a);
    settle(node, b);
    return exact_sum(node.label, a, b, grid, kept);
  }

  [[nodiscard]] Values joined(const nn::GraphNode& node, const RealRange& range, const QParams& grid) const {
    std::vector<Values> parts;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ExactValue& part = in(node, i);
      const RealRange both = part.range.then(range.low, range.high);
      parts.push_back(requantized(node.label, part, grid, integers_within(grid, both.low, both.high), config_.requant));
    }
    return side_by_side(parts, images_);
  }

  [[nodiscard]] Values looked_up(const nn::GraphNode& node, const QParams& grid, IntegerRange kept) const {
    const ExactValue& x = in(node, 0);
    const auto& function = std::get<nn::graph::Function>(node.operation);
    return mapped(x, [&](std::int32_t q, std::size_t /*i*/) {
      const double y = function_of(node, function, static_cast<double>(x.grid.dequantize(q)));
      return std::clamp(grid.quantize(static_cast<float>(y)), kept.low, kept.high);
    });
  }

  [[nodiscard]] ExactValue averaged(const nn::GraphNode& node, const core::Pool2dOptions& options) const {
    const ExactValue& x = on_grid(node);
    const std::int32_t zero = x.zero_point();
    return pooled(x, node.shape, options, [&](std::span<const std::int32_t> cells) {
      std::int64_t sum = 0;
      for (const std::int32_t q : cells) sum += q - zero;
      const double quotient = static_cast<double>(sum) / static_cast<double>(cells.size());
      return static_cast<std::int32_t>(round_to(quotient, config_.average_rounding)) + zero;
    });
  }

  // Applies what a value still waits for where it is read as it is.
  void settle(const nn::GraphNode& node, ExactValue& x) const {
    if (x.kind == Kind::kFloat || x.kind == Kind::kPending) refuse(node, "its output is not quantized");
    if (x.kind != Kind::kSums) return;
    if (!x.range.scale_free()) refuse(node, "a clamp's bounds fall between the integers of an accumulator");
    const std::int32_t low = x.range.low == 0 ? 0 : std::numeric_limits<std::int32_t>::min();
    const std::int32_t high = x.range.high == 0 ? 0 : std::numeric_limits<std::int32_t>::max();
    x.q = mapped(x, [&](std::int32_t q, std::size_t /*i*/) { return std::clamp(q, low, high); });
  }

  [[nodiscard]] ExactValue pending(const nn::GraphNode& node) const {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) static_cast<void>(known(node, i));
    return {.kind = Kind::kPending, .shape = node.shape, .pending = static_cast<nn::GraphValue>(values_.size())};
  }
  [[nodiscard]] const ExactValue& in(const nn::GraphNode& node, std::size_t i) const {
    return values_[static_cast<std::size_t>(node.inputs[i])];
  }
  // An input that has integers.
  [[nodiscard]] const ExactValue& known(const nn::GraphNode& node, std::size_t i) const {
    const ExactValue& x = in(node, i);
    if (x.kind != Kind::kGrid && x.kind != Kind::kSums) refuse_unquantized(graph_, node, node.inputs[i]);
    return x;
  }
  [[nodiscard]] const ExactValue& on_grid(const nn::GraphNode& node) const {
    if (in(node, 0).kind != Kind::kGrid) refuse_unquantized(graph_, node, node.inputs[0]);
    return in(node, 0);
  }

  const nn::Graph& graph_;
  const LowerConfig& config_;
  std::map<nn::GraphValue, nn::GraphValue>& norms_;
  std::map<nn::GraphValue, ExactWeight>& weights_;
  const core::Tensor& x_;
  std::int64_t images_;
  std::vector<ExactValue> values_;
};

}  // namespace

struct ExactForward::State {
  nn::Graph graph;
  LowerConfig config;
  std::map<nn::GraphValue, nn::GraphValue> norms;
  std::map<nn::GraphValue, ExactWeight> weights;
};

ExactForward::ExactForward(const nn::Model& model, const LowerConfig& config)
    : state_(std::make_unique<State>(State{.graph = nn::lower(model), .config = config, .norms = {}, .weights = {}})) {
  for (const FoldedPair& pair : folded_pairs(state_->graph)) state_->norms.emplace(pair.weighted, pair.norm);
  // A batch of no images makes the weights, and finds what has no exact form.
  static_cast<void>(logits(core::Tensor(model.input().with_batch(0))));
}
ExactForward::~ExactForward() = default;

core::Tensor ExactForward::logits(const core::Tensor& x, const SiteWatch& watch) {
  Walk walk(state_->graph, state_->config, state_->norms, state_->weights, x);
  const ExactValue& y = walk.run(watch);
  core::Tensor real(y.shape.with_batch(x.shape()[0]));
  const std::span<Scalar> values = real.mutable_values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto scale = static_cast<float>(y.scale_at(i % static_cast<std::size_t>(y.shape.numel())));
    values[i] = static_cast<Scalar>(static_cast<float>((*y.q)[i] - y.zero_point()) * scale);
  }
  return real;
}

}  // namespace tempera::quant
