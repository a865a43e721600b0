// The largest number in each window of an image
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layers/pooling.hpp"

namespace tempera::nn {

/// [batch, c, h, w] → [batch, c, h', w'] with h' = ⌊(h + 2·padding − size) / stride⌋ + 1. Padding never wins.
class MaxPool2d final : public Layer {
 public:
  using Config = PoolingConfig;

  MaxPool2d(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool input) const override { return input; }
  [[nodiscard]] bool pools_pairs() const noexcept override { return core::pools_pairs(options_); }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  core::Pool2dOptions options_;
};

}  // namespace tempera::nn
