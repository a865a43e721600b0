#include "tempera/nn/layers/softmax.hpp"

#include "tempera/core/ops/softmax.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

void Softmax::Config::fields(core::FieldVisitor& v) {
  v.field("temperature", temperature,
          {.help = "what the logits are divided by: above 1 softens, below 1 sharpens",
           .min = kLeastPositive,
           .max = 1e37});
}

Softmax::Softmax(const Config& config, LayerBuilder& b) : temperature_(config.temperature) {
  if (b.input().rank() == 0) b.fail("expects at least one axis of classes, received a single number");
}

Variable Softmax::forward(const Variable& x, ForwardContext& /*context*/) { return core::softmax(x, temperature_); }

GraphValue Softmax::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Function{"softmax", temperature_}, {x}, info().output);
}

std::vector<LayerExample<Softmax::Config>> Softmax::examples() {
  return {{.config = {}, .input = {5}}, {.config = {.temperature = 4}, .input = {2, 3}}};
}

void add_softmax(LayerRegistry& registry) {
  registry.add<Softmax>("softmax", "probabilities from logits: exp(x/T) / Σ exp(x/T) over the last axis");
}

}  // namespace tempera::nn
