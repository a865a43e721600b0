#include "tempera/nn/layers/residual.hpp"

#include <fmt/format.h>

#include "tempera/core/ops/elementwise.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/layers/linear.hpp"
#include "tempera/nn/layers/relu.hpp"

namespace tempera::nn {

void Residual::Config::fields(core::FieldVisitor& v, const core::TypeCatalog& layer_types) {
  v.typed_list("layers", layer_types, layers.items(),
               {.help = "the layers whose output is added to", .required = true});
  v.typed_list("shortcut", layer_types, shortcut.items(),
               {.help = "layers from the input to the sum; none: the input itself"});
}

Residual::Residual(const Config& config, LayerBuilder& b) : body_(config.layers.items().size()) {
  if (config.layers.empty()) throw core::ConfigError(fmt::format("residual \"{}\": has no layers", b.path()));
  const core::Shape sum = b.children(config.layers, b.input());
  const core::Shape added = b.children(config.shortcut, b.input(), "/shortcut");
  if (sum != added) {
    b.fail(config.shortcut.empty()
               ? fmt::format("the layers give {} but the input is {} (a \"shortcut\" of layers can adapt it)",
                             sum.text(), added.text())
               : fmt::format("the layers give {} but the shortcut gives {}", sum.text(), added.text()));
  }
  b.output(sum);
}

Variable Residual::forward(const Variable& x, ForwardContext& context) {
  const Variable y = forward_all(children().first(body_), x, context);
  return core::add(y, forward_all(children().subspan(body_), x, context));
}

GraphValue Residual::lower(GraphBuilder& graph, GraphValue x) const {
  const GraphValue y = lower_all(children().first(body_), graph, x);
  const GraphValue shortcut = lower_all(children().subspan(body_), graph, x);
  return graph.add(graph::Add{}, {y, shortcut}, info().output);
}

std::vector<LayerExample<Residual::Config>> Residual::examples(const LayerRegistry& registry) {
  Config plain;
  plain.layers.add(registry.configure<Linear>({.out = 3}));
  plain.layers.add(registry.configure<Relu>());
  Config adapted;
  adapted.layers.add(registry.configure<Linear>({.out = 2}));
  adapted.shortcut.add(registry.configure<Linear>({.out = 2, .bias = false}, "adapt"));
  return {{.config = plain, .input = {3}}, {.config = adapted, .input = {4}}};
}

void add_residual(LayerRegistry& registry) {
  registry.add<Residual>("residual", "adds the input, or what a shortcut makes of it, to the output of layers");
}

}  // namespace tempera::nn
