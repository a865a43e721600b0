#include <algorithm>
#include <cmath>

#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/map.hpp"

namespace tempera::core {

Variable exp(const Variable& x) {
  return record_map("exp", x, map(x.value(), kernels().exp, kHeavyGrain), Saved::kOutput,
                    [](const Tensor& dy, const Tensor& y) { return map(dy, y, kernels().mul, kLightGrain); });
}

Variable log(const Variable& x) {
  return record_map("log", x, map(x.value(), kernels().log, kHeavyGrain), Saved::kInput,
                    [](const Tensor& dy, const Tensor& in) { return map(dy, in, kernels().div, kLightGrain); });
}

Variable sqrt(const Variable& x) {
  return record_map("sqrt", x, map(x.value(), kernels().sqrt, kLightGrain), Saved::kOutput,
                    [](const Tensor& dy, const Tensor& y) {
                      return map_each(dy, y, kLightGrain, [](Scalar g, Scalar v) { return g / (v + v); });
                    });
}

Variable square(const Variable& x) {
  return record_map("square", x, map(x.value(), x.value(), kernels().mul, kLightGrain), Saved::kInput,
                    [](const Tensor& dy, const Tensor& in) {
                      return map_each(dy, in, kLightGrain, [](Scalar g, Scalar v) { return g * (v + v); });
                    });
}

Variable pow(const Variable& x, double exponent) {
  const auto p = static_cast<Scalar>(exponent);
  return record_map("pow", x, map_each(x.value(), kHeavyGrain, [p](Scalar v) { return std::pow(v, p); }), Saved::kInput,
                    [p](const Tensor& dy, const Tensor& in) {
                      if (p == Scalar{0}) return Tensor::zeros(in.shape());  // not 0·0^−1, which is NaN
                      return map_each(dy, in, kHeavyGrain,
                                      [p](Scalar g, Scalar v) { return g * p * std::pow(v, p - Scalar{1}); });
                    });
}

Variable abs(const Variable& x) {
  return record_map("abs", x, map_each(x.value(), kLightGrain, [](Scalar v) { return std::abs(v); }), Saved::kInput,
                    [](const Tensor& dy, const Tensor& in) {
                      return map_each(dy, in, kLightGrain, [](Scalar g, Scalar v) {
                        return v > Scalar{0} ? g : v < Scalar{0} ? -g : Scalar{0};
                      });
                    });
}

Variable clamp(const Variable& x, double low, double high) {
  require_parameter(low <= high, "clamp", "the lower bound must not exceed the upper one, received {} and {}", low,
                    high);
  const auto lo = static_cast<Scalar>(low), hi = static_cast<Scalar>(high);
  return record_map(
      "clamp", x, map_each(x.value(), kLightGrain, [=](Scalar v) { return v < lo   ? lo
                                                                          : v > hi ? hi
                                                                                   : v; }),
      Saved::kInput, [=](const Tensor& dy, const Tensor& in) {
        return map_each(dy, in, kLightGrain, [=](Scalar g, Scalar v) { return v >= lo && v <= hi ? g : Scalar{0}; });
      });
}

}  // namespace tempera::core
