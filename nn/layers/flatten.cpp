#include "tempera/nn/layers/flatten.hpp"

#include "tempera/core/ops/layout.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Flatten::Flatten(const Config& /*config*/, LayerBuilder& b) { b.output({b.input().numel()}); }

Variable Flatten::forward(const Variable& x, ForwardContext& /*context*/) {
  return core::reshape(x, info().output.with_batch(x.shape()[0]));
}

GraphValue Flatten::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Reshape{}, {x}, info().output);
}

std::vector<LayerExample<Flatten::Config>> Flatten::examples() {
  return {{.config = {}, .input = {2, 3, 4}}, {.config = {}, .input = {5}}};
}

void add_flatten(LayerRegistry& registry) {
  registry.add<Flatten>("flatten", "all numbers of a sample in one row, as linear needs them");
}

}  // namespace tempera::nn
