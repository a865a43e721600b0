#include <cmath>

#include "tempera/core/ops/channels.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/norm.hpp"

namespace tempera::core {
namespace {

constexpr const char* kBatchNorm = "batch_norm";

ChannelGrid grid_of(const Shape& x, const Variable& gamma, const Variable& beta, double epsilon) {
  require(x.rank() >= 2, kBatchNorm, "the input must be [batch, channels, …], received {}", x);
  const Shape channels{x[1]};
  require(gamma.empty() || gamma.shape() == channels, kBatchNorm, "gamma must be {}, received {}", channels,
          gamma.empty() ? channels : gamma.shape());
  require(beta.empty() || beta.shape() == channels, kBatchNorm, "beta must be {}, received {}", channels,
          beta.empty() ? channels : beta.shape());
  require_positive(epsilon, kBatchNorm, "epsilon");
  ChannelGrid grid{.batch = x[0], .channels = x[1]};
  for (int axis = 2; axis < x.rank(); ++axis) grid.cells *= x[axis];
  return grid;
}

Tensor inverse_deviation(const Tensor& variance, double epsilon) {
  Tensor inverse(variance.shape());
  Scalar* out = inverse.mutable_data();
  for (std::int64_t c = 0; c < variance.numel(); ++c) {
    out[c] = Scalar{1} / std::sqrt(variance.data()[c] + static_cast<Scalar>(epsilon));
  }
  return inverse;
}

Tensor channel_scaled(Tensor x, Scalar factor) {
  Scalar* values = x.mutable_data();
  kernels().mul_scalar(x.numel(), values, factor, values);
  return x;
}

Tensor channel_product(const Tensor& a, const Tensor& b) {
  return b.empty() ? a : map(a, b, kernels().mul, kLightGrain);
}

// What forward leaves for backward.
struct Normalized {
  ChannelGrid grid;
  Tensor x, mean, inverse;  ///< inverse is 1/√(σ² + ε)
  Tensor gamma;             ///< empty: 1

  [[nodiscard]] Tensor output(const Tensor& beta) const {
    Tensor y(x.shape());
    const Tensor factor = channel_product(inverse, gamma);
    const Tensor shift = beta.empty() ? Tensor::zeros(mean.shape()) : beta;
    grid.for_each([x = x.data(), y = y.mutable_data(), mean = mean.data(), a = factor.data(), b = shift.data()](
                      std::int64_t i, std::int64_t c) { y[i] = (x[i] - mean[c]) * a[c] + b[c]; });
    return y;
  }
  /// Σ dy·(x − μ)/√(σ² + ε)
  [[nodiscard]] Tensor by_gamma(const Tensor& dy) const {
    return channel_product(grid.sum([dy = dy.data(), x = x.data(), mean = mean.data()](std::int64_t i, std::int64_t c) {
      return dy[i] * (x[i] - mean[c]);
    }),
                           inverse);
  }
  [[nodiscard]] Tensor by_beta(const Tensor& dy) const {
    return grid.sum([dy = dy.data()](std::int64_t i, std::int64_t) { return dy[i]; });
  }
  /// Through x alone, the statistics held.
  [[nodiscard]] Tensor by_input(const Tensor& dy) const {
    Tensor dx(x.shape());
    const Tensor factor = channel_product(inverse, gamma);
    grid.for_each([dy = dy.data(), dx = dx.mutable_data(), a = factor.data()](std::int64_t i, std::int64_t c) {
      dx[i] = dy[i] * a[c];
    });
    return dx;
  }
  /// Through x and the statistics: γ/√(σ²+ε)·(dy − mean(dy) − x̂·mean(dy·x̂)), the means from dγ and dβ.
  [[nodiscard]] Tensor by_input_and_statistics(const Tensor& dy, const Tensor& dgamma, const Tensor& dbeta) const {
    Tensor dx(x.shape());
    const Scalar share = Scalar{1} / static_cast<Scalar>(grid.count());
    const Tensor factor = channel_product(inverse, gamma);
    const Tensor slope = channel_scaled(channel_product(dgamma, inverse), share), offset = channel_scaled(dbeta, share);
    grid.for_each([x = x.data(), mean = mean.data(), dy = dy.data(), dx = dx.mutable_data(), a = factor.data(),
                   s = slope.data(), o = offset.data()](std::int64_t i, std::int64_t c) {
      dx[i] = a[c] * (dy[i] - o[c] - (x[i] - mean[c]) * s[c]);
    });
    return dx;
  }
};

Normalized normalized(const ChannelGrid& grid, const Variable& x, const Variable& gamma, Tensor mean, Tensor inverse) {
  return {grid, x.value(), std::move(mean), std::move(inverse), gamma.empty() ? Tensor() : gamma.value()};
}

}  // namespace

BatchNormResult batch_norm_training(const Variable& x, const Variable& gamma, const Variable& beta, double epsilon) {
  const ChannelGrid grid = grid_of(x.shape(), gamma, beta, epsilon);
  require(grid.count() >= 2, kBatchNorm, "training needs at least two values a channel, received {}", x.shape());
  const Scalar share = Scalar{1} / static_cast<Scalar>(grid.count());
  BatchNormResult result;
  result.mean = channel_scaled(grid.sum([v = x.value().data()](std::int64_t i, std::int64_t) { return v[i]; }), share);
  const Tensor squares = grid.sum([v = x.value().data(), m = result.mean.data()](std::int64_t i, std::int64_t c) {
    return (v[i] - m[c]) * (v[i] - m[c]);
  });
  result.variance = channel_scaled(squares, share);
  result.unbiased_variance = channel_scaled(squares, Scalar{1} / static_cast<Scalar>(grid.count() - 1));
  Normalized n = normalized(grid, x, gamma, result.mean, inverse_deviation(result.variance, epsilon));
  Tensor y = n.output(beta.empty() ? Tensor() : beta.value());
  result.output =
      record(kBatchNorm, std::move(y), {x, gamma, beta}, [n = std::move(n)](const Tensor& dy, const Needs& needs) {
        Gradients gradients(3);
        gradients[1] = n.by_gamma(dy);
        gradients[2] = n.by_beta(dy);
        if (needs[0]) gradients[0] = n.by_input_and_statistics(dy, gradients[1], gradients[2]);
        return gradients;
      });
  return result;
}

Variable batch_norm_evaluation(const Variable& x, const Variable& gamma, const Variable& beta, const Tensor& mean,
                               const Tensor& variance, double epsilon) {
  const ChannelGrid grid = grid_of(x.shape(), gamma, beta, epsilon);
  const Shape channels{grid.channels};
  require(mean.shape() == channels && variance.shape() == channels, kBatchNorm,
          "statistics must be {}, received {} and {}", channels, mean.shape(), variance.shape());
  Normalized n = normalized(grid, x, gamma, mean, inverse_deviation(variance, epsilon));
  Tensor y = n.output(beta.empty() ? Tensor() : beta.value());
  return record(kBatchNorm, std::move(y), {x, gamma, beta}, [n = std::move(n)](const Tensor& dy, const Needs& needs) {
    Gradients gradients(3);
    if (needs[0]) gradients[0] = n.by_input(dy);
    if (needs[1]) gradients[1] = n.by_gamma(dy);
    if (needs[2]) gradients[2] = n.by_beta(dy);
    return gradients;
  });
}

}  // namespace tempera::core
