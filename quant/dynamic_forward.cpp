#include "tempera/quant/dynamic_forward.hpp"

#include <limits>
#include <map>
#include <mutex>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/layout.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/dynamic/products.hpp"
#include "tempera/quant/integer_rules.hpp"
#include "tempera/quant/quantizers/dynamic_uniform.hpp"

namespace tempera::quant {
namespace {

using core::Variable;

const DynamicUniform* dynamic_of(const nn::GraphNode& node) {
  const auto* pass = std::get_if<nn::graph::Pass>(&node.operation);
  const SiteQuantizer* transform = pass == nullptr ? nullptr : quantizer_of(*pass->site);
  return transform == nullptr ? nullptr : dynamic_cast<const DynamicUniform*>(&transform->quantizer());
}

// Rounding to a grid commutes with what only moves values or picks the largest.
bool keeps_grid(const nn::GraphNode& node) {
  return std::holds_alternative<nn::graph::Reshape>(node.operation) ||
         std::holds_alternative<nn::graph::MaxPool2d>(node.operation);
}

bool multiplies(const nn::GraphNode& node) {
  return std::holds_alternative<nn::graph::Linear>(node.operation) ||
         std::holds_alternative<nn::graph::Conv2d>(node.operation);
}

// A value of the graph. With `rows`: x is still to be rounded to them, which a product of integers does by itself.
struct Value {
  Variable x;
  const QParams* rows = nullptr;
};

Variable function(const nn::GraphNode& node, const nn::graph::Function& op, const Variable& x) {
  if (op.name == "sigmoid") return core::sigmoid(x);
  if (op.name == "tanh") return core::tanh(x);
  if (op.name == "gelu") return core::gelu(x);
  if (op.name == "softplus") return core::softplus(x);
  if (op.name == "leaky_relu") return core::leaky_relu(x, op.parameter);
  if (op.name == "softmax") return core::softmax(x, op.parameter);
  refuse(node, "has no form in floats here");
}

bool is_relu(const nn::GraphNode& node) {
  const auto* clamp = std::get_if<nn::graph::Clamp>(&node.operation);
  return clamp != nullptr && clamp->low == 0 && clamp->high == std::numeric_limits<double>::infinity();
}

// A layer that multiplies integers.
struct Layer {
  dynamic::PackedWeight weight;
  bool relu = false;  // it applies that of the node behind it, which alone reads it
};
using Layers = std::map<nn::GraphValue, Layer>;

// Rectifiers go into the layers before them.
void fuse(const nn::Graph& graph, Layers& layers) {
  std::map<nn::GraphValue, int> readers;
  for (const nn::GraphNode& node : graph.nodes) {
    for (const nn::GraphValue input : node.inputs) ++readers[input];
  }
  for (const nn::GraphNode& node : graph.nodes) {
    if (!is_relu(node) || readers[node.inputs[0]] != 1) continue;
    if (const auto layer = layers.find(node.inputs[0]); layer != layers.end()) layer->second.relu = true;
  }
}

// Those of every node that has some: kept from call to call, so that they take no memory again.
using Grids = std::vector<QParams>;

// One pass of a batch through the graph.
class Walk {
 public:
  Walk(const nn::Graph& graph, const Layers& layers, Grids& grids, const core::Tensor& x, const DynamicWatch& watch)
      : graph_(graph), layers_(layers), grids_(grids), watch_(watch), batch_(x.dim(0)), x_(x) {
    values_.reserve(graph.nodes.size());
  }

  core::Tensor run() {
    for (const nn::GraphNode& node : graph_.nodes) {
      values_.push_back(std::visit([&](const auto& op) { return visit(node, op); }, node.operation));
    }
    return settled(values_.back()).value();
  }

 private:
  using Node = nn::GraphNode;

  Value visit(const Node& /*node*/, const nn::graph::Input& /*op*/) { return {.x = x_}; }
  Value visit(const Node& node, const nn::graph::Pass& op) {
    const Variable x = floats(node);
    if (const DynamicUniform* quantizer = dynamic_of(node)) {
      QParams& rows = grids_[values_.size()];
      quantizer->rows(x.value(), rows);
      core::lap(core::Phase::kForward, op.site->name, "dynamic range");
      return {.x = x, .rows = &rows};
    }
    return {.x = (*op.site)(x, context_)};
  }
  Value visit(const Node& node, const nn::graph::Linear& op) {
    if (const Layer* layer = packed()) {
      return product(node, *layer, dynamic::linear(in(node).x.value(), rows(node), layer->weight, layer->relu));
    }
    return {.x = core::linear(floats(node), (*op.weight_site)(op.weight, context_), op.bias)};
  }
  Value visit(const Node& node, const nn::graph::Conv2d& op) {
    if (const Layer* layer = packed()) {
      core::Conv2dOptions options = op.options;
      options.relu = layer->relu;
      return product(node, *layer,
                     dynamic::conv2d(in(node).x.value(), rows(node), layer->weight, options,
                                     {op.weight.shape()[2], op.weight.shape()[3]}, node.shape));
    }
    return {.x = core::conv2d(floats(node), (*op.weight_site)(op.weight, context_), op.bias, op.options)};
  }
  Value visit(const Node& node, const nn::graph::BatchNorm& op) {
    return {.x = core::batch_norm_evaluation(floats(node), op.gain, op.bias, op.mean.value(), op.variance.value(),
                                             op.epsilon)};
  }
  Value visit(const Node& node, const nn::graph::Clamp& op) {
    if (!is_relu(node)) return {.x = core::clamp(floats(node), op.low, op.high)};
    const auto before = layers_.find(node.inputs[0]);
    const bool done = before != layers_.end() && before->second.relu;
    return {.x = done ? in(node).x : core::relu(floats(node))};
  }
  Value visit(const Node& node, const nn::graph::MaxPool2d& op) {
    return {.x = core::max_pool2d(in(node).x, op.options), .rows = in(node).rows};
  }
  Value visit(const Node& node, const nn::graph::AvgPool2d& op) {
    return {.x = core::avg_pool2d(floats(node), op.options)};
  }
  Value visit(const Node& node, const nn::graph::GlobalAvgPool2d& /*op*/) {
    return {.x = core::global_avg_pool2d(floats(node))};
  }
  Value visit(const Node& node, const nn::graph::Add& /*op*/) {
    return {.x = core::add(floats(node), floats(node, 1))};
  }
  Value visit(const Node& node, const nn::graph::Concat& /*op*/) {
    core::CachedVector<Variable> parts;
    parts.reserve(node.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(floats(node, i));
    return {.x = core::concat(parts, 1)};
  }
  Value visit(const Node& node, const nn::graph::Reshape& /*op*/) {
    return {.x = core::reshape(in(node).x, node.shape.with_batch(batch_)), .rows = in(node).rows};
  }
  Value visit(const Node& node, const nn::graph::Function& op) { return {.x = function(node, op, floats(node))}; }

  Value product(const Node& node, const Layer& layer, const core::Tensor& y) const {
    core::lap(core::Phase::kForward, node.layer, "integer product");
    if (watch_) watch_({.node = node, .x = in(node).x.value(), .rows = rows(node), .y = y, .relu = layer.relu});
    return {.x = Variable(y)};
  }
  // Of the node that is being visited.
  [[nodiscard]] const Layer* packed() const {
    const auto found = layers_.find(static_cast<nn::GraphValue>(values_.size()));
    return found == layers_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const Value& in(const Node& node, std::size_t i = 0) const {
    return values_[static_cast<std::size_t>(node.inputs[i])];
  }
  // What a packed layer takes in comes from the dynamic quantizer before it.
  [[nodiscard]] const QParams& rows(const Node& node) const { return *in(node).rows; }
  [[nodiscard]] static Variable settled(const Value& value) {
    return value.rows != nullptr ? Variable(fake_quantized(value.x.value(), *value.rows)) : value.x;
  }
  [[nodiscard]] Variable floats(const Node& node, std::size_t i = 0) const { return settled(in(node, i)); }

  const nn::Graph& graph_;
  const Layers& layers_;
  Grids& grids_;
  const DynamicWatch& watch_;
  std::int64_t batch_;
  Variable x_;
  nn::ForwardContext context_;
  core::CachedVector<Value> values_;
};

}  // namespace

struct DynamicForward::State {
  nn::Graph graph;
  Layers layers;
  std::vector<std::string> names;

  // Grids for a call; several threads may call at once.
  std::unique_ptr<Grids> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Grids>(graph.nodes.size());
    std::unique_ptr<Grids> grids = std::move(idle_.back());
    idle_.pop_back();
    return grids;
  }
  void give_back(std::unique_ptr<Grids> grids) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(grids));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Grids>> idle_;
};

DynamicForward::DynamicForward(const nn::Model& model) : state_(std::make_unique<State>()) {
  state_->graph = nn::lower(model);
  std::vector<const DynamicUniform*> grids;  // that a value lies on
  for (const nn::GraphNode& node : state_->graph.nodes) {
    const DynamicUniform* before = node.inputs.empty() ? nullptr : grids[static_cast<std::size_t>(node.inputs[0])];
    if (before != nullptr && multiplies(node)) {
      state_->layers.try_emplace(static_cast<nn::GraphValue>(grids.size()),
                                 Layer{dynamic::PackedWeight(node, before->grid())});
      state_->names.push_back(node.layer);
    }
    grids.push_back(keeps_grid(node) ? before : dynamic_of(node));
  }
  if (state_->layers.empty()) {
    throw core::UnsupportedError("dynamic quantization",
                                 "no linear layer or convolution reads what a dynamic rule quantizes");
  }
  fuse(state_->graph, state_->layers);
}
DynamicForward::~DynamicForward() = default;

core::Tensor DynamicForward::logits(const core::Tensor& x, const DynamicWatch& watch) const {
  const core::NoGrad no_history;
  std::unique_ptr<Grids> grids = state_->take();
  core::Tensor y = Walk(state_->graph, state_->layers, *grids, x, watch).run();
  state_->give_back(std::move(grids));  // after an exception they are dropped, and the next call makes new ones
  return y;
}

const std::vector<std::string>& DynamicForward::integer_layers() const noexcept { return state_->names; }

}  // namespace tempera::quant
