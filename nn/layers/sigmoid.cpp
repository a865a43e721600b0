#include "tempera/nn/layers/sigmoid.hpp"

#include "tempera/core/ops/activations.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Variable Sigmoid::forward(const Variable& x, ForwardContext& /*context*/) { return core::sigmoid(x); }

GraphValue Sigmoid::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Function{"sigmoid"}, {x}, info().output);
}

std::vector<LayerExample<Sigmoid::Config>> Sigmoid::examples() {
  return {{.config = {}, .input = {7}}, {.config = {}, .input = {2, 3, 3}}};
}

void add_sigmoid(LayerRegistry& registry) { registry.add<Sigmoid>("sigmoid", "1 / (1 + exp(−x))"); }

}  // namespace tempera::nn
