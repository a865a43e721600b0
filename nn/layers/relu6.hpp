// min(max(x, 0), 6) (Krizhevsky 2010; Howard et al. 2017, arXiv 1704.04861)
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape. Its range is known before training, which suits fixed grids of integers.
class Relu6 final : public Layer {
 public:
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  Relu6(const Config& /*config*/, LayerBuilder& /*b*/) {}
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();
};

}  // namespace tempera::nn
