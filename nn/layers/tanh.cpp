#include "tempera/nn/layers/tanh.hpp"

#include "tempera/core/ops/activations.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Variable Tanh::forward(const Variable& x, ForwardContext& /*context*/) { return core::tanh(x); }

GraphValue Tanh::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Function{"tanh"}, {x}, info().output);
}

std::vector<LayerExample<Tanh::Config>> Tanh::examples() {
  return {{.config = {}, .input = {7}}, {.config = {}, .input = {2, 3, 3}}};
}

void add_tanh(LayerRegistry& registry) { registry.add<Tanh>("tanh", "tanh(x)"); }

}  // namespace tempera::nn
