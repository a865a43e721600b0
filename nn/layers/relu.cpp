#include "tempera/nn/layers/relu.hpp"

#include <limits>

#include "tempera/core/ops/activations.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Variable Relu::forward(const Variable& x, ForwardContext& /*context*/) { return core::relu(x); }

GraphValue Relu::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Clamp{0, std::numeric_limits<double>::infinity()}, {x}, info().output);
}

std::vector<LayerExample<Relu::Config>> Relu::examples() {
  return {{.config = {}, .input = {7}}, {.config = {}, .input = {2, 3, 3}}};
}

void add_relu(LayerRegistry& registry) { registry.add<Relu>("relu", "max(x, 0)"); }

}  // namespace tempera::nn
