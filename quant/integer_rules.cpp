#include "tempera/quant/integer_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/quantizers/dynamic_uniform.hpp"

namespace tempera::quant {
namespace {

constexpr int kMultiplierBits = 29;

// A quantizer may report a grid and use but some of its points, or place its thresholds elsewhere.
bool rounds_to_nearest(const Quantizer& quantizer, const QParams& grid) {
  const std::int32_t steps = std::min(grid.qmax - grid.qmin, 4095);
  core::Tensor probes({2 * steps + 1});
  for (std::int32_t i = 0; i <= 2 * steps; ++i) {
    // Off the ties, on which rules of rounding differ.
    const double q = grid.qmin + 0.5 * i + (i % 2 == 0 ? 0.0 : 0.03125);
    probes.mutable_data()[i] = static_cast<Scalar>((q - grid.zero_point[0]) * static_cast<double>(grid.scale[0]));
  }
  const std::vector<std::int32_t> values = quantizer.integers(probes).values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != grid.quantize(static_cast<float>(probes.data()[i]))) return false;
  }
  return true;
}

[[noreturn]] void refuse_site(const nn::GraphNode& node, const nn::Site& site, const std::string& reason) {
  refuse(node, fmt::format("site \"{}\": {}", site.name, reason));
}

}  // namespace

void refuse(const nn::GraphNode& node, const std::string& reason) { throw core::UnsupportedError(node.label, reason); }

void refuse_unquantized(const nn::Graph& graph, const nn::GraphNode& node, nn::GraphValue input) {
  const std::string& before = graph[input].layer;
  refuse(node, fmt::format("its input is not quantized: no rule takes \"{}\" or \"{}.input\"",
                           before.empty() ? "input" : before + ".output", node.layer));
}

QParams grid_of(const nn::GraphNode& node, const nn::Site& site) {
  const SiteQuantizer* transform = quantizer_of(site);
  if (transform == nullptr) refuse_site(node, site, "holds a transform that is no quantizer");
  const Quantizer& quantizer = transform->quantizer();
  if (!quantizer.ready()) refuse_site(node, site, "its quantizer has no range yet; train or calibrate the model first");
  std::optional<QParams> grid = quantizer.params();
  if (dynamic_cast<const DynamicUniform*>(&quantizer) != nullptr) {
    refuse_site(node, site,
                "is quantized dynamically: its scale is a float that is found at run time, and a program of "
                "integers has no floats between its input and its output");
  }
  if (!grid) refuse_site(node, site, "its quantizer gives no integers times a scale");
  if (grid->scale.size() != 1) {
    refuse_site(node, site, fmt::format("has {} scales, where a product's sum needs one", grid->scale.size()));
  }
  if (grid->rounding == Rounding::kFloor) {
    refuse_site(node, site, "rounds down, but requantization rounds to the nearest integer");
  }
  if (!rounds_to_nearest(quantizer, *grid)) {
    refuse_site(node, site, "its quantizer does not take each value to the nearest integer of its grid");
  }
  return *grid;
}

void refuse_thresholds(const nn::GraphNode& node, const QParams& grid, const std::string& what) {
  if (grid.thresholds.empty()) return;
  refuse(node,
         fmt::format("a staircase with steps of unequal width compares sums of products, or integers, with "
                     "thresholds; it cannot take {} (use \"beta\": \"tied\" and \"biases\": \"midpoints\" at this "
                     "site)",
                     what));
}

IntegerRange integers_within(const QParams& grid, double low, double high) {
  const auto bound = [&](double x, std::int32_t none) {
    return std::isinf(x) ? none : grid.quantize(static_cast<float>(x));
  };
  return {low > 0 && std::isinf(low) ? grid.qmax : bound(low, grid.qmin),
          high < 0 && std::isinf(high) ? grid.qmin : bound(high, grid.qmax)};
}

RealRange RealRange::then(double c, double d) const noexcept { return {std::clamp(low, c, d), std::clamp(high, c, d)}; }

bool RealRange::scale_free() const noexcept { return (low == 0 || std::isinf(low)) && (high == 0 || std::isinf(high)); }

std::int32_t integer_bias(const nn::GraphNode& node, double bias, double scale, std::int64_t room,
                          std::int64_t& saturated) {
  if (!std::isfinite(bias / scale)) {
    throw core::NumericError(
        node.label, -1,
        fmt::format("a bias and its accumulators' scale must be finite numbers, received {} and {}", bias, scale));
  }
  const double rounded = round_to(bias / scale, Rounding::kHalfEven);
  const double limit = static_cast<double>(room);
  const double kept = std::clamp(rounded, -limit, limit);
  if (kept != rounded) ++saturated;
  return static_cast<std::int32_t>(kept);
}

AddMultipliers add_multipliers(const std::string& label, std::span<const double> scale_a,
                               std::span<const double> scale_b, double scale) {
  const double largest = std::max(std::ranges::max(scale_a), std::ranges::max(scale_b)) / scale;
  int exponent = 0;
  static_cast<void>(std::frexp(largest, &exponent));  // largest in [2^(e−1), 2^e)
  if (exponent > kMultiplierBits) {
    throw core::UnsupportedError(label,
                                 fmt::format("a summand's unit is {} units of the sum, more than 2^29", largest));
  }
  // Beyond 62 half a unit could not be added to a sum in 64 bits.
  AddMultipliers result{.a = {}, .b = {}, .shift = std::min(kMultiplierBits - exponent, 62)};
  const auto scaled = [&](double s) {
    const auto m = static_cast<std::int64_t>(round_to(std::ldexp(s / scale, result.shift), Rounding::kHalfEven));
    return std::min<std::int64_t>(m, (std::int64_t{1} << kMultiplierBits) - 1);
  };
  std::ranges::transform(scale_a, std::back_inserter(result.a), scaled);
  std::ranges::transform(scale_b, std::back_inserter(result.b), scaled);
  return result;
}

double function_of(const nn::GraphNode& node, const nn::graph::Function& function, double x) {
  if (function.name == "sigmoid") return 1 / (1 + std::exp(-x));
  if (function.name == "tanh") return std::tanh(x);
  if (function.name == "gelu") return 0.5 * x * std::erfc(-x * std::sqrt(0.5));
  if (function.name == "softplus") return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  if (function.name == "leaky_relu") return x > 0 ? x : function.parameter * x;
  if (function.name == "softmax") {
    refuse(node, "a softmax is not needed to choose a class: lower a model that ends with its logits");
  }
  refuse(node, fmt::format("the function \"{}\" has no table", function.name));
}

}  // namespace tempera::quant
