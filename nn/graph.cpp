#include "tempera/nn/graph.hpp"

#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::nn {

GraphBuilder::Within::Within(GraphBuilder& builder, const LayerInfo& layer)
    : builder_(builder), outer_(std::exchange(builder.layer_, &layer)) {}
GraphBuilder::Within::~Within() { builder_.layer_ = outer_; }

GraphValue GraphBuilder::add(graph::Operation operation, std::vector<GraphValue> inputs, const core::Shape& shape) {
  graph_.nodes.push_back({.operation = std::move(operation),
                          .inputs = std::move(inputs),
                          .shape = shape,
                          .layer = layer_ == nullptr ? std::string() : layer_->path,
                          .label = layer_ == nullptr ? std::string("model") : layer_->label()});
  return graph_.output();
}

GraphValue GraphBuilder::pass(const Site& site, GraphValue value) {
  if (site.transform == nullptr) return value;
  return add(graph::Pass{&site}, {value}, shape(value));
}

GraphValue Layer::lower(GraphBuilder& /*graph*/, GraphValue /*x*/) const {
  throw core::UnsupportedError(info_.label(),
                               "this type of layer has no integer form; leave it out of models that are lowered");
}

GraphValue Layer::lowered(GraphBuilder& graph, GraphValue x) const {
  const GraphBuilder::Within within(graph, info_);
  return graph.pass(output_site(), lower(graph, graph.pass(input_site(), x)));
}

GraphValue lower_all(std::span<const std::unique_ptr<Layer>> layers, GraphBuilder& graph, GraphValue x) {
  for (const auto& layer : layers) x = layer->lowered(graph, x);
  return x;
}

Graph lower(const Model& model) {
  GraphBuilder builder;
  const GraphValue input = builder.add(graph::Input{}, {}, model.input());
  static_cast<void>(lower_all(model.layers(), builder, builder.pass(model.input_site(), input)));
  return builder.take();
}

}  // namespace tempera::nn
