// Fake quantization made exact: the model's graph on integer-valued numbers.
//
// Plain float fake quantization cannot equal an integer engine: near a tie a float32 sum decides otherwise than the
// integers. Here every value is the integer q − z; Σ q_x·q_w is computed by the float kernels in pieces short enough to be
// exact in float32 (each below 2^24) and added up as integers; biases are added as their integers; and requantize() of
// requantize.hpp gives the next site's integers. It walks the graph with batch norm folded at run time, unpacked weights
// and the quantizers as they stand in the model: a road of its own beside lower → Program → engine.
#pragma once

#include <functional>
#include <string>

#include "tempera/nn/model.hpp"
#include "tempera/quant/config.hpp"
#include "tempera/quant/engine.hpp"

namespace tempera::quant {

/// After every site: its name and its integers q (with zero point). Last the model's output; if that is no site, under its
/// layer's label.
using SiteWatch = std::function<void(const std::string& site, const IntTensor& value)>;

class ExactForward {
 public:
  /// Throws as lower does for what has no exact form.
  ExactForward(const nn::Model& model, const LowerConfig& config);
  ~ExactForward();
  ExactForward(const ExactForward&) = delete;
  ExactForward& operator=(const ExactForward&) = delete;

  /// x [batch, sample…] → real logits [batch, classes].
  [[nodiscard]] core::Tensor logits(const core::Tensor& x, const SiteWatch& watch = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tempera::quant
