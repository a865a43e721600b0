#include "tempera/nn/layers/avg_pool2d.hpp"

#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

AvgPool2d::AvgPool2d(const Config& config, LayerBuilder& b) : options_(pooling(config, b)) {}

Variable AvgPool2d::forward(const Variable& x, ForwardContext& /*context*/) { return core::avg_pool2d(x, options_); }

GraphValue AvgPool2d::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::AvgPool2d{options_}, {x}, info().output);
}

std::vector<LayerExample<AvgPool2d::Config>> AvgPool2d::examples() {
  return {{.config = {}, .input = {2, 4, 6}}, {.config = {.size = 3, .stride = 2, .padding = 1}, .input = {1, 5, 4}}};
}

void add_avg_pool2d(LayerRegistry& registry) {
  registry.add<AvgPool2d>("avg_pool2d", "mean of each window of an image");
}

}  // namespace tempera::nn
