// exp(x/T) / Σ exp(x/T) over the last axis
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// [batch, …, classes] → the same shape, each row adding up to 1.
class Softmax final : public Layer {
 public:
  struct Config {
    double temperature = 1;
    void fields(core::FieldVisitor& v);
  };
  Softmax(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool /*input*/) const override { return true; }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  double temperature_;
};

}  // namespace tempera::nn
