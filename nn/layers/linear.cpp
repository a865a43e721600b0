#include "tempera/nn/layers/linear.hpp"

#include <fmt/format.h>

#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/layers/kept.hpp"

namespace tempera::nn {

void Linear::Config::fields(core::FieldVisitor& v, const core::TypeCatalog& layers) {
  v.field("out", out, {.help = "number of outputs", .min = 1, .required = true});
  v.field("bias", bias, {.help = "whether a learned number is added to each output"});
  v.typed("init", initializers_of(layers), init.pointer(),
          {.help = "what the weights start from; not set: uniform within ±1/√fan_in"});
  v.typed("bias_init", initializers_of(layers), bias_init.pointer(),
          {.help = "what the biases start from; not set: uniform within ±1/√fan_in"});
}

Linear::Linear(const Config& config, LayerBuilder& b) {
  b.expect_rank(1, "[features]", "(did the model omit \"flatten\"?)");
  const std::int64_t in = b.input()[0];
  if (config.out < 1) b.fail(fmt::format("\"out\" must be at least 1, received {}", config.out));
  const core::Shape weight({config.out, in});
  weight_ = b.parameter("weight", weight, *weight_initializer(config.init, weight), Role::kWeight);
  if (config.bias) {
    bias_ = b.parameter("bias", {config.out}, *weight_initializer(config.bias_init, weight), Role::kBias);
  }
  b.multiply_adds({config.out, in});
  b.output({config.out});
}

Variable Linear::forward(const Variable& x, ForwardContext& context) {
  const Variable weight = used(weight_, context);
  return core::linear(x, weight, bias_, false, kept_of(kept_, weight_, weight, context));
}

bool Linear::fuses(const Tail& tail) const noexcept { return tail.activation == Activation::kRelu && !tail.pool_pairs; }

Variable Linear::forward_fused(const Variable& x, const Tail& /*tail*/, ForwardContext& context) {
  const Variable weight = used(weight_, context);
  return core::linear(x, weight, bias_, true, kept_of(kept_, weight_, weight, context));
}

GraphValue Linear::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Linear{weight_, bias_, &site_of(weight_)}, {x}, info().output);
}

std::vector<LayerExample<Linear::Config>> Linear::examples() {
  return {{.config = {.out = 3}, .input = {5}}, {.config = {.out = 4, .bias = false}, .input = {2}}};
}

void add_linear(LayerRegistry& registry) { registry.add<Linear>("linear", "fully connected: y = x·Wᵀ + b"); }

}  // namespace tempera::nn
