#include "tempera/nn/layers/leaky_relu.hpp"

#include "tempera/core/ops/activations.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

void LeakyRelu::Config::fields(core::FieldVisitor& v) {
  v.field("slope", slope, {.help = "factor on negative numbers"});
}

LeakyRelu::LeakyRelu(const Config& config, LayerBuilder& /*b*/) : slope_(config.slope) {}

Variable LeakyRelu::forward(const Variable& x, ForwardContext& /*context*/) { return core::leaky_relu(x, slope_); }

GraphValue LeakyRelu::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Function{"leaky_relu", slope_}, {x}, info().output);
}

std::vector<LayerExample<LeakyRelu::Config>> LeakyRelu::examples() {
  return {{.config = {}, .input = {7}}, {.config = {.slope = 0.2}, .input = {2, 3, 3}}};
}

void add_leaky_relu(LayerRegistry& registry) { registry.add<LeakyRelu>("leaky_relu", "x for x > 0, else slope·x"); }

}  // namespace tempera::nn
