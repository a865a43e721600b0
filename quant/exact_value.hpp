// Values and products of the exact forward pass (exact_forward.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/integer_rules.hpp"

namespace tempera::quant {

/// The integers of a node for a batch.
struct ExactValue {
  using Values = std::shared_ptr<const std::vector<std::int32_t>>;
  enum class Kind { kFloat, kGrid, kSums, kPending };
  Kind kind = Kind::kFloat;
  core::Shape shape;  ///< of a sample
  Values q;           ///< [batch · numel], with the zero point
  QParams grid;
  std::vector<double> scale;       ///< of sums: for each number of a sample
  std::int32_t low = 0, high = 0;  ///< of a grid: no q lies outside
  RealRange range;                 ///< a clamp still to be applied, to sums and what is pending
  nn::GraphValue pending = -1;

  [[nodiscard]] std::int32_t zero_point() const { return kind == Kind::kGrid ? grid.zero_point[0] : 0; }
  [[nodiscard]] double scale_at(std::size_t i) const {
    return kind == Kind::kGrid ? static_cast<double>(grid.scale[0]) : scale[i];
  }
  /// Largest |q − z| of a grid.
  [[nodiscard]] std::int64_t reach() const;
};

/// A layer's weights as integers q − z in floats [out, row], and its biases.
struct ExactWeight {
  core::Tensor values;
  std::int64_t largest = 0;        ///< |q − z|
  std::vector<double> scale;       ///< [out], s_x·s_w
  std::vector<std::int32_t> bias;  ///< [out]
};

/// What the weight's site makes of it in the model's own forward pass, back on its grid; `norm` folded in. Throws
/// UnsupportedError naming the layer.
[[nodiscard]] ExactWeight exact_weight(const nn::GraphNode& node, const nn::graph::BatchNorm* norm,
                                       const ExactValue& input);

/// bias + Σ (q_x − z_x)·(q_w − z_w) by the float kernels, in pieces whose sums stay below 2^24. For each output of each image.
[[nodiscard]] std::vector<std::int32_t> exact_linear(const ExactValue& x, const ExactWeight& weight);
[[nodiscard]] std::vector<std::int32_t> exact_conv2d(const ExactValue& x, const ExactWeight& weight,
                                                     const nn::graph::Conv2d& op, const core::Shape& result);

/// Calls fn(image) for every image, on several threads.
void for_images(std::int64_t images, const std::function<void(std::int64_t)>& fn);

}  // namespace tempera::quant
