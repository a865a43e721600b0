// Exponential moving average of weights, which generalises better than the last step's (Polyak & Juditsky 1992).
#pragma once

#include <vector>

#include "tempera/nn/optimizer.hpp"

namespace tempera::nn {

/// average ← decay·average + (1 − decay)·weights, beginning at the weights.
class WeightAverage {
 public:
  /// Throws ConfigError unless 0 ≤ decay ≤ kMostBelowOne.
  WeightAverage(const std::vector<Parameter>& parameters, double decay);

  /// After each optimizer step.
  void update();
  /// Exchanges the average and the weights in use (for evaluating with the average, and back). Costs nothing.
  void swap();
  /// Tensors named like the parameters, for checkpoints.
  [[nodiscard]] std::vector<OptimizerState> state();

 private:
  std::vector<Parameter> parameters_;
  std::vector<core::Tensor> average_;
  double decay_;
};

}  // namespace tempera::nn
