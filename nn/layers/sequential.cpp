#include "tempera/nn/layers/sequential.hpp"

#include <fmt/format.h>

#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/layers/linear.hpp"
#include "tempera/nn/layers/relu.hpp"

namespace tempera::nn {

void Sequential::Config::fields(core::FieldVisitor& v, const core::TypeCatalog& layer_types) {
  v.typed_list("layers", layer_types, layers.items(), {.help = "the layers, in order", .required = true});
}

Sequential::Sequential(const Config& config, LayerBuilder& b) {
  if (config.layers.empty()) throw core::ConfigError(fmt::format("sequential \"{}\": has no layers", b.path()));
  b.output(b.children(config.layers, b.input()));
}

Variable Sequential::forward(const Variable& x, ForwardContext& context) { return forward_all(children(), x, context); }

GraphValue Sequential::lower(GraphBuilder& graph, GraphValue x) const { return lower_all(children(), graph, x); }

std::vector<LayerExample<Sequential::Config>> Sequential::examples(const LayerRegistry& registry) {
  Config config;
  config.layers.add(registry.configure<Linear>({.out = 4}));
  config.layers.add(registry.configure<Relu>());
  config.layers.add(registry.configure<Linear>({.out = 2}, "last"));
  return {{.config = config, .input = {3}}};
}

void add_sequential(LayerRegistry& registry) {
  registry.add<Sequential>("sequential", "layers one after the other, under one name");
}

}  // namespace tempera::nn
