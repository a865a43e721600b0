// x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016, arXiv 1606.08415)
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape.
class Gelu final : public Layer {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  Gelu(const Config& /*config*/, LayerBuilder& /*b*/) {}
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();
};

}  // namespace tempera::nn
