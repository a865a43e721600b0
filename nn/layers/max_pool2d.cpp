#include "tempera/nn/layers/max_pool2d.hpp"

#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

MaxPool2d::MaxPool2d(const Config& config, LayerBuilder& b) : options_(pooling(config, b)) {}

Variable MaxPool2d::forward(const Variable& x, ForwardContext& /*context*/) { return core::max_pool2d(x, options_); }

GraphValue MaxPool2d::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::MaxPool2d{options_}, {x}, info().output);
}

std::vector<LayerExample<MaxPool2d::Config>> MaxPool2d::examples() {
  return {{.config = {}, .input = {2, 4, 6}}, {.config = {.size = 3, .stride = 2, .padding = 1}, .input = {1, 5, 4}}};
}

void add_max_pool2d(LayerRegistry& registry) {
  registry.add<MaxPool2d>("max_pool2d", "largest number in each window of an image");
}

}  // namespace tempera::nn
