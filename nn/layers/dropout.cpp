#include "tempera/nn/layers/dropout.hpp"

#include "tempera/core/ops/dropout.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

void Dropout::Config::fields(core::FieldVisitor& v) {
  v.field("rate", rate,
          {.help = "probability that a number is zeroed in training", .min = 0, .max = 1, .below_max = true});
}

Dropout::Dropout(const Config& config, LayerBuilder& /*b*/) : config_(config) {}

Variable Dropout::forward(const Variable& x, ForwardContext& context) {
  if (!context.training || config_.rate == 0.0) return x;
  return core::dropout(x, config_.rate, context.random(info().path));
}

GraphValue Dropout::lower(GraphBuilder& /*graph*/, GraphValue x) const {
  return x;  // drops nothing outside of training
}

std::vector<LayerExample<Dropout::Config>> Dropout::examples() {
  return {{.config = {}, .input = {7}}, {.config = {.rate = 0.2}, .input = {2, 3, 3}}};
}

void add_dropout(LayerRegistry& registry) { registry.add<Dropout>("dropout", "zeroes numbers at random in training"); }

}  // namespace tempera::nn
