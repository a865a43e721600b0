#include "tempera/nn/layers/global_avg_pool2d.hpp"

#include "tempera/core/ops/pool2d.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

GlobalAvgPool2d::GlobalAvgPool2d(const Config& /*config*/, LayerBuilder& b) {
  b.expect_rank(3, "[channels, height, width]");
  b.output({b.input()[0]});
}

Variable GlobalAvgPool2d::forward(const Variable& x, ForwardContext& /*context*/) { return core::global_avg_pool2d(x); }

GraphValue GlobalAvgPool2d::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::GlobalAvgPool2d{}, {x}, info().output);
}

std::vector<LayerExample<GlobalAvgPool2d::Config>> GlobalAvgPool2d::examples() {
  return {{.config = {}, .input = {3, 2, 4}}};
}

void add_global_avg_pool2d(LayerRegistry& registry) {
  registry.add<GlobalAvgPool2d>("global_avg_pool2d", "mean of each channel of an image");
}

}  // namespace tempera::nn
