// min(max(x, low), high); with −1 and 1 it is the hard tanh
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape. The gradient passes where low ≤ x ≤ high.
class Clamp final : public Layer {
 public:
  struct Config {
    double low = -1, high = 1;
    void fields(core::FieldVisitor& v);
  };
  Clamp(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  double low_, high_;
};

}  // namespace tempera::nn
