// x for x > 0, else slope·x (Maas et al. 2013)
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape.
class LeakyRelu final : public Layer {
 public:
  struct Config {
    double slope = 0.01;
    void fields(core::FieldVisitor& v);
  };
  LeakyRelu(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  double slope_;
};

}  // namespace tempera::nn
