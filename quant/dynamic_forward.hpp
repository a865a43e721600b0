// Dynamic quantization as it is run: every linear layer and convolution whose input is quantized dynamically is a product of
// integers with sums in int32; everything between is float32. It walks the graph of a model, as ExactForward does for
// networks of integers alone.
//
// The layers' own forward computes the same real numbers with float products of dequantized values: the two differ by the
// rounding of these sums, and where a value then falls on the other side of a tie, by a step of the next grid.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

/// A product of integers that was computed: the layer, its input with the grid of each sample, and its output, with `relu` behind
/// max(·, 0).
struct DynamicProduct {
  const nn::GraphNode& node;
  const core::Tensor& x;
  const QParams& rows;
  const core::Tensor& y;
  bool relu;
};
using DynamicWatch = std::function<void(const DynamicProduct& product)>;

class DynamicForward {
 public:
  /// Takes the weights as they are now; the model must outlive this. Throws UnsupportedError naming the layer: one without
  /// a graph; one whose input is dynamic and whose weight has no integers of up to 8 bits; sums that could leave int32; and
  /// for a model in which no layer reads what a dynamic rule quantizes.
  explicit DynamicForward(const nn::Model& model);
  ~DynamicForward();
  DynamicForward(const DynamicForward&) = delete;
  DynamicForward& operator=(const DynamicForward&) = delete;

  /// x [batch, sample…] → logits [batch, classes]. What a sample gives does not depend on the others. Several
  /// threads may call at once. Throws NumericError naming the site and the sample for values that are not finite.
  [[nodiscard]] core::Tensor logits(const core::Tensor& x, const DynamicWatch& watch = {}) const;

  /// Paths of the layers that multiply integers; all others compute in floats.
  [[nodiscard]] const std::vector<std::string>& integer_layers() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tempera::quant
