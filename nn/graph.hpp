// A network as a list of typed operations: what layers lower themselves to, and what integer programs and exporters are
// made from. It says what is computed, with which parameters and through which sites; nothing of how.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/shape.hpp"
#include "tempera/nn/layer.hpp"
#include "tempera/nn/site.hpp"

namespace tempera::nn {

class Model;

namespace graph {

/// The samples.
struct Input {};
/// Values pass a site that has a transform.
struct Pass {
  const Site* site;
};
/// y = x·Wᵀ + b, weight [out, in], bias [out] or empty. `weight_site` has the weight's transform, if any.
struct Linear {
  Variable weight, bias;
  const Site* weight_site;
};
/// weight [out, in/groups, kh, kw], bias [out] or empty.
struct Conv2d {
  Variable weight, bias;
  const Site* weight_site;
  core::Conv2dOptions options;
};
/// gain·(x − mean)/√(variance + ε) + bias per channel; gain and bias may be empty (1 and 0).
struct BatchNorm {
  Variable gain, bias, mean, variance;
  double epsilon;
};
/// min(max(x, low), high); relu is [0, ∞], relu6 [0, 6].
struct Clamp {
  double low, high;
};
struct MaxPool2d {
  core::Pool2dOptions options;
};
/// Divided by the number of cells inside the image.
struct AvgPool2d {
  core::Pool2dOptions options;
};
struct GlobalAvgPool2d {};
/// The sum of its two inputs.
struct Add {};
/// Its inputs, one after the other along the channels.
struct Concat {};
/// The same numbers under another shape (flatten, reshape).
struct Reshape {};
/// An elementwise function, by its layer's type: "sigmoid", "tanh", "gelu", "softplus", "leaky_relu"; or one of the last
/// axis: "softmax".
struct Function {
  std::string name;
  double parameter = 0;  ///< slope of leaky_relu, temperature of softmax
};

using Operation = std::variant<Input, Pass, Linear, Conv2d, BatchNorm, Clamp, MaxPool2d, AvgPool2d, GlobalAvgPool2d,
                               Add, Concat, Reshape, Function>;

}  // namespace graph

struct GraphNode {
  graph::Operation operation;
  std::vector<GraphValue> inputs;  ///< positions of earlier nodes
  core::Shape shape;               ///< of a sample
  std::string layer;               ///< path; empty for what belongs to the model
  std::string label;               ///< `conv2d "conv1"`, for error texts
};

/// In order of execution; the last node is the output. Refers to the model's sites, which must outlive it.
struct Graph {
  std::vector<GraphNode> nodes;

  [[nodiscard]] const GraphNode& operator[](GraphValue value) const { return nodes[static_cast<std::size_t>(value)]; }
  [[nodiscard]] GraphValue output() const { return static_cast<GraphValue>(nodes.size()) - 1; }
};

/// Takes the operations of layers as they lower themselves.
class GraphBuilder {
 public:
  /// Appends an operation of the layer that is being lowered. `shape` is of the sample it gives.
  GraphValue add(graph::Operation operation, std::vector<GraphValue> inputs, const core::Shape& shape);
  /// The value as the site leaves it: itself if the site has no transform.
  GraphValue pass(const Site& site, GraphValue value);
  [[nodiscard]] const core::Shape& shape(GraphValue value) const { return graph_[value].shape; }
  [[nodiscard]] Graph take() { return std::move(graph_); }

  /// While alive, operations belong to this layer.
  class Within {
   public:
    Within(GraphBuilder& builder, const LayerInfo& layer);
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;
    ~Within();

   private:
    GraphBuilder& builder_;
    const LayerInfo* outer_;
  };

 private:
  Graph graph_;
  const LayerInfo* layer_ = nullptr;
};

/// Layers one after the other, as forward_all runs them.
[[nodiscard]] GraphValue lower_all(std::span<const std::unique_ptr<Layer>> layers, GraphBuilder& graph, GraphValue x);

/// The graph of a whole model. Throws UnsupportedError naming the first layer that cannot be lowered, and why.
[[nodiscard]] Graph lower(const Model& model);

}  // namespace tempera::nn
