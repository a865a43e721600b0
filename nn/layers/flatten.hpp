// All numbers of a sample in one row
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// [batch, …] → [batch, n]
class Flatten final : public Layer {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  Flatten(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool input) const override { return input; }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();
};

}  // namespace tempera::nn
