#include "tempera/nn/layer_registry.hpp"

#include <fmt/format.h>

namespace tempera::nn {

// Each layer's file defines add_<name>(registry), so that this one depends on none of them.
#define TEMPERA_LAYER(name) void add_##name(LayerRegistry& registry);
#include "tempera/nn/builtin_layers.def"
#undef TEMPERA_LAYER

LayerRegistry::LayerRegistry() : Base("layer") {
#define TEMPERA_LAYER(name) add_##name(*this);
#include "tempera/nn/builtin_layers.def"
#undef TEMPERA_LAYER
}

const LayerRegistry& LayerRegistry::builtin() {
  static const LayerRegistry registry;
  return registry;
}

std::vector<AnyLayerExample> LayerRegistry::examples(std::string_view type) const {
  const auto found = examples_.find(type);
  if (found == examples_.end()) throw core::Error(fmt::format("no layer \"{}\" is registered", type));
  return found->second();
}

const std::string& LayerRegistry::type_of(std::type_index layer) const {
  const auto found = types_.find(layer);
  if (found == types_.end()) throw core::Error(fmt::format("layer class {} is not registered", layer.name()));
  return found->second;
}

const core::TypeCatalog& initializers_of(const core::TypeCatalog& layers) {
  const auto* registry = dynamic_cast<const LayerRegistry*>(&layers);
  return registry == nullptr ? LayerRegistry::builtin().initializers() : registry->initializers();
}

}  // namespace tempera::nn
