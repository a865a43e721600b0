// The product of dynamic quantization in plain loops: the oracle of PackedWeight.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/quant/quantizer.hpp"

namespace tempera::quant::dynamic {

class PlainProduct {
 public:
  /// Of a linear layer or a convolution that PackedWeight does not refuse; the node must outlive it. Throws as weight_integers.
  explicit PlainProduct(const nn::GraphNode& node);

  /// x [batch, …] and the grid of each of its samples → the layer's output, by the formula of PackedWeight::multiply one
  /// output at a time; max(·, 0) last if `relu`.
  [[nodiscard]] core::Tensor operator()(const core::Tensor& x, const QParams& rows, bool relu) const;

 private:
  // One sample.
  void run(const core::Shape& x, const std::int16_t* q, Scalar s_x, bool relu, Scalar* y) const;
  /// A window in the order of the weight's rows, [channel, kernel row, kernel column]; 0 outside of the image.
  void gather(const core::Shape& x, const std::int16_t* q, std::int64_t group, std::int64_t cell,
              std::vector<std::int16_t>& window) const;
  [[nodiscard]] Scalar output(std::int64_t o, const std::vector<std::int16_t>& window, Scalar s_x) const;

  const nn::GraphNode& node_;
  core::Shape shape_;                    // of the weight
  std::int64_t length_ = 0, piece_ = 0;  // of its rows, and of what shares a scale
  QParams grid_;                         // of the weight
  std::vector<std::int16_t> weight_;     // q − z
  core::Tensor factor_, bias_;           // either may be empty
};

}  // namespace tempera::quant::dynamic
