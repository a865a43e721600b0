// The largest number in each window of an image
#pragma once

#include <optional>

#include "tempera/core/ops/pool2d.hpp"
#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// [batch, c, h, w] → [batch, c, h', w'] with h' = ⌊(h + 2·padding − size) / stride⌋ + 1. Padding never wins.
class MaxPool2d final : public Layer {
 public:
  struct Config {
    std::int64_t size = 2;
    std::optional<std::int64_t> stride;  ///< not set: the size
    std::int64_t padding = 0;
    void fields(core::FieldVisitor& v);
  };
  MaxPool2d(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  static std::vector<LayerExample<Config>> examples();

 private:
  core::Pool2dOptions options_;
};

}  // namespace tempera::nn
