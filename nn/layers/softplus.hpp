// log(1 + exp(x)), a smooth ReLU
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape.
class Softplus final : public Layer {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  Softplus(const Config& /*config*/, LayerBuilder& /*b*/) {}
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool /*input*/) const override { return true; }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();
};

}  // namespace tempera::nn
