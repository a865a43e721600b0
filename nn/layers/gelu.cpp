#include "tempera/nn/layers/gelu.hpp"

#include "tempera/core/ops/activations.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Variable Gelu::forward(const Variable& x, ForwardContext& /*context*/) { return core::gelu(x); }

GraphValue Gelu::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Function{"gelu"}, {x}, info().output);
}

std::vector<LayerExample<Gelu::Config>> Gelu::examples() {
  return {{.config = {}, .input = {7}}, {.config = {}, .input = {2, 3, 3}}};
}

void add_gelu(LayerRegistry& registry) { registry.add<Gelu>("gelu", "x·Φ(x), Φ the normal distribution function"); }

}  // namespace tempera::nn
