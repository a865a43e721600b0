// The staircase as a sum of sigmoids (Quantization Networks, Yang et al. 2019, arXiv 1911.09464), differentiated exactly.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/core/variable.hpp"

namespace tempera::quant {

/// The numbers of Q_T(x) = δ·(Σ_{i=1..n} σ(T·(β·x − b_i)) − m), with δ = α/q and T counted for steps one apart. All that is
/// learned has the unit of x or of Q, so that one rule for rates holds for all of it whatever the size of x:
///   α         the highest value of Q
///   range     q/β, the x at which a staircase with midpoints as biases ends. Tied: it is α, so β = 1/δ
///   biases    b_i·unit. Midpoints: b_i = i − m − ½
struct Staircase {
  core::Variable alpha;   ///< [1]
  core::Variable range;   ///< [1]; empty: tied
  core::Variable biases;  ///< [n], in any order; empty: midpoints
  double unit = 1;
  std::int32_t steps = 1;   ///< n
  std::int32_t middle = 0;  ///< m, the steps below 0
  std::int32_t top = 1;     ///< q: steps above 0

  [[nodiscard]] double delta() const;  ///< height of a step
  [[nodiscard]] double width() const;  ///< 1/β
  [[nodiscard]] bool even() const noexcept { return range.empty() && biases.empty(); }
  /// Where it steps as T → ∞: b_i/β, rising. (A sum has no order, so neither has its limit: sorted here, the biases may
  /// pass each other while they learn.) Numbers beyond float32 become its largest; NaN stays.
  [[nodiscard]] std::vector<float> thresholds() const;
};

/// Q_T(x) of every element, with its own derivative by x, α, range and biases. Neither exp nor T·x overflows.
[[nodiscard]] core::Variable smooth_staircase(const core::Variable& x, const Staircase& staircase, double temperature);

}  // namespace tempera::quant
