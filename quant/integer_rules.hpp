// What a lowered program and exact fake quantization have in common: how real numbers of a graph become integers, and what
// is refused. Each walks the graph in its own way; the rules are these, beside requantize() and the folding of batch norm.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/qparams.hpp"

namespace tempera::quant {

inline constexpr std::int64_t kLargestAccumulator = std::numeric_limits<std::int32_t>::max();

/// Throws UnsupportedError: `linear "fc1": <reason>`.
[[noreturn]] void refuse(const nn::GraphNode& node, const std::string& reason);
/// Refuses `node` because what it reads at `input` lies on no grid, and names the sites that a rule could take.
[[noreturn]] void refuse_unquantized(const nn::Graph& graph, const nn::GraphNode& node, nn::GraphValue input);

/// The grid that the quantizer in an activation's site rounds to. Refuses a site whose quantizer is not ready, has no grid or
/// several scales, rounds down (requantization rounds to the nearest), or does not take each value to the nearest integer.
[[nodiscard]] QParams grid_of(const nn::GraphNode& node, const nn::Site& site);

/// Bounds on real numbers as bounds on the integers of a grid.
struct IntegerRange {
  std::int32_t low, high;
};
[[nodiscard]] IntegerRange integers_within(const QParams& grid, double low, double high);

/// clamp(clamp(x, a, b), c, d) is clamp(x, low, high).
struct RealRange {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  [[nodiscard]] RealRange then(double c, double d) const noexcept;
  /// A bound of 0 or none: the same one in integers of every scale.
  [[nodiscard]] bool scale_free() const noexcept;
};

/// Refuses a grid with thresholds where no comparison can be made: `what` is what its site would have to take.
void refuse_thresholds(const nn::GraphNode& node, const QParams& grid, const std::string& what);

/// round_half_even(bias / scale), moved into ±room; `saturated` is raised by 1 if that changed it. Throws NumericError naming
/// the node for a bias or a scale that is not finite.
[[nodiscard]] std::int32_t integer_bias(const nn::GraphNode& node, double bias, double scale, std::int64_t room,
                                        std::int64_t& saturated);

/// a·scale_a + b·scale_b in units of `scale` is (a·m_a + b·m_b)·2^−shift. The largest multiplier lies in [2^28, 2^29), so that
/// two products with any int32 and their sum are exact in int64. Scales: one or one for each channel.
struct AddMultipliers {
  std::vector<std::int64_t> a, b;
  std::int32_t shift = 0;
};
/// Throws UnsupportedError where the sum's scale is so small that no shift is left.
[[nodiscard]] AddMultipliers add_multipliers(const std::string& label, std::span<const double> scale_a,
                                             std::span<const double> scale_b, double scale);

/// sigmoid, tanh, gelu, softplus, leaky_relu of one number, in double. Refuses functions of whole rows (softmax).
[[nodiscard]] double function_of(const nn::GraphNode& node, const nn::graph::Function& function, double x);

}  // namespace tempera::quant
