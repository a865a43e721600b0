// Layers one after the other, under one name
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"
#include "tempera/nn/layer_list.hpp"

namespace tempera::nn {

/// [batch, …] → what the last layer gives. Has no parameters but those of the layers inside.
class Sequential final : public Layer {
 public:
  struct Config {
    LayerList layers;
    void fields(core::FieldVisitor& v, const core::TypeCatalog& layer_types);
  };
  Sequential(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool input) const override { return all_non_negative(children(), input); }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples(const LayerRegistry& registry);
};

}  // namespace tempera::nn
