#include "tempera/nn/layers/relu6.hpp"

#include "tempera/core/ops/elementwise.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

Variable Relu6::forward(const Variable& x, ForwardContext& /*context*/) { return core::clamp(x, 0, 6); }

GraphValue Relu6::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Clamp{0, 6}, {x}, info().output);
}

std::vector<LayerExample<Relu6::Config>> Relu6::examples() {
  return {{.config = {}, .input = {7}}, {.config = {}, .input = {2, 3, 3}}};
}

void add_relu6(LayerRegistry& registry) { registry.add<Relu6>("relu6", "min(max(x, 0), 6)"); }

}  // namespace tempera::nn
