// What max and average pooling share: fields and geometry.
#pragma once

#include <cstdint>
#include <optional>

#include "tempera/core/ops/pool2d.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

struct PoolingConfig {
  std::int64_t size = 2;
  std::optional<std::int64_t> stride;  ///< not set: the size
  std::int64_t padding = 0;
  void fields(core::FieldVisitor& v);
};

/// Declares the output [c, h', w'] with h' = ⌊(h + 2·padding − size) / stride⌋ + 1 and returns what the operation needs.
/// Throws LayerShapeError if the input is no image, the window does not fit, or padding exceeds half of the size.
[[nodiscard]] core::Pool2dOptions pooling(const PoolingConfig& config, LayerBuilder& b);

}  // namespace tempera::nn
