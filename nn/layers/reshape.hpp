// The same numbers under another shape
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// [batch, …] → [batch, shape…]
class Reshape final : public Layer {
 public:
  struct Config {
    std::vector<std::int64_t> shape;  ///< of a sample; one −1 stands for what is left
    void fields(core::FieldVisitor& v);
  };
  Reshape(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool input) const override { return input; }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();
};

}  // namespace tempera::nn
