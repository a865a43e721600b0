#include "tempera/nn/layers/softplus.hpp"

#include "tempera/core/ops/activations.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Variable Softplus::forward(const Variable& x, ForwardContext& /*context*/) { return core::softplus(x); }

GraphValue Softplus::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Function{"softplus"}, {x}, info().output);
}

std::vector<LayerExample<Softplus::Config>> Softplus::examples() {
  return {{.config = {}, .input = {7}}, {.config = {}, .input = {2, 3, 3}}};
}

void add_softplus(LayerRegistry& registry) { registry.add<Softplus>("softplus", "log(1 + exp(x)), a smooth ReLU"); }

}  // namespace tempera::nn
