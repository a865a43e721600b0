// tanh(x)
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape.
class Tanh final : public Layer {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  Tanh(const Config& /*config*/, LayerBuilder& /*b*/) {}
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();
};

}  // namespace tempera::nn
