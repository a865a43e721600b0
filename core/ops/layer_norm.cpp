#include <algorithm>
#include <cmath>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/lanes.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr const char* kLayerNorm = "layer_norm";

struct Rows {
  std::int64_t rows = 1, columns = 1;
  Shape features;

  template <class Fn>
  void for_each(Fn fn) const {
    parallel_for(rows, std::max<std::int64_t>(1, kHeavyGrain / std::max<std::int64_t>(1, columns)),
                 [=](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) fn(r);
                 });
  }
};

Rows rows_of(const Shape& x, int axes, const Variable& gamma, const Variable& beta) {
  require(axes >= 1 && axes <= x.rank(), kLayerNorm, "needs 1 to {} trailing axes, received {} for {}", x.rank(), axes,
          x);
  Rows r;
  r.features = Shape(x.extents().last(static_cast<std::size_t>(axes)));
  r.columns = r.features.numel();
  require(r.columns > 0, kLayerNorm, "there is nothing to normalise in {}", x);
  r.rows = x.numel() / r.columns;
  require(gamma.empty() || gamma.shape() == r.features, kLayerNorm, "gamma must be {}, received {}", r.features,
          gamma.empty() ? r.features : gamma.shape());
  require(beta.empty() || beta.shape() == r.features, kLayerNorm, "beta must be {}, received {}", r.features,
          beta.empty() ? r.features : beta.shape());
  return r;
}

// x̂ = (x − μ)/√(σ² + ε) by row; keeps 1/√(σ² + ε) in `inverse`.
Tensor standardized(const Rows& r, const Tensor& x, double epsilon, Tensor& inverse) {
  Tensor result(x.shape());
  const auto n = static_cast<Scalar>(r.columns);
  r.for_each([=, in = x.data(), out = result.mutable_data(), inv = inverse.mutable_data(),
              columns = r.columns](std::int64_t row) {
    const Scalar* from = in + row * columns;
    const Scalar mean = lane_sum(columns, [=](std::int64_t i) { return from[i]; }) / n;
    const Scalar variance = lane_sum(columns, [=](std::int64_t i) { return (from[i] - mean) * (from[i] - mean); }) / n;
    inv[row] = Scalar{1} / std::sqrt(variance + static_cast<Scalar>(epsilon));
    for (std::int64_t i = 0; i < columns; ++i) out[row * columns + i] = (from[i] - mean) * inv[row];
  });
  return result;
}

// With g = dy·γ: dx = (g − mean(g) − x̂·mean(g·x̂))/√(σ² + ε)
Tensor by_input(const Rows& r, const Tensor& g, const Tensor& hat, const Tensor& inverse) {
  Tensor dx(g.shape());
  const auto n = static_cast<Scalar>(r.columns);
  r.for_each([=, g = g.data(), hat = hat.data(), inv = inverse.data(), out = dx.mutable_data(),
              columns = r.columns](std::int64_t row) {
    const Scalar* grad = g + row * columns;
    const Scalar* h = hat + row * columns;
    const Scalar mean = lane_sum(columns, [=](std::int64_t i) { return grad[i]; }) / n;
    const Scalar slope = lane_sum(columns, [=](std::int64_t i) { return grad[i] * h[i]; }) / n;
    for (std::int64_t i = 0; i < columns; ++i) out[row * columns + i] = inv[row] * (grad[i] - mean - h[i] * slope);
  });
  return dx;
}

BinaryKernels times() { return {kernels().mul, kernels().mul_scalar, kernels().mul_scalar}; }
BinaryKernels plus() { return {kernels().add, kernels().add_scalar, kernels().add_scalar}; }

}  // namespace

Variable layer_norm(const Variable& x, int axes, const Variable& gamma, const Variable& beta, double epsilon) {
  const Rows r = rows_of(x.shape(), axes, gamma, beta);
  require_positive(epsilon, kLayerNorm, "epsilon");
  Tensor inverse({r.rows});
  const Tensor hat = standardized(r, x.value(), epsilon, inverse);
  const Tensor factor = gamma.empty() ? Tensor() : gamma.value();
  Tensor y = factor.empty() ? hat : broadcast_apply(kLayerNorm, hat, factor, times());
  if (!beta.empty()) y = broadcast_apply(kLayerNorm, y, beta.value(), plus());
  return record(kLayerNorm, std::move(y), {x, gamma, beta},
                [r, hat, inverse, factor](const Tensor& dy, const Needs& needs) {
                  Gradients gradients(3);
                  if (needs[0]) {
                    const Tensor g = factor.empty() ? dy : broadcast_apply(kLayerNorm, dy, factor, times());
                    gradients[0] = by_input(r, g, hat, inverse);
                  }
                  if (needs[1]) gradients[1] = sum_to(map(dy, hat, kernels().mul, kLightGrain), r.features);
                  if (needs[2]) gradients[2] = sum_to(dy, r.features);
                  return gradients;
                });
}

}  // namespace tempera::core
