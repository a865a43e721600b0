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

// Σ x, or Σ (x − mean)² if there is a mean, of each channel.
Tensor channel_sums(const ChannelGrid& grid, const Tensor& x, const Tensor& mean) {
  Tensor sums({grid.channels});
  grid.by_channels([x = x.data(), mean = mean.empty() ? nullptr : mean.data(), sums = sums.mutable_data()](
                       const ChannelBlock& block, std::int64_t c, std::int64_t at) {
    if (mean == nullptr) return kernels().channel_sum(block, x + at, sums + c);
    kernels().channel_squares(block, x + at, mean + c, sums + c);
  });
  return sums;
}

// What forward leaves for backward.
struct Normalized {
  ChannelGrid grid;
  Tensor x, mean, inverse;  ///< inverse is 1/√(σ² + ε)
  Tensor gamma;             ///< empty: 1

  [[nodiscard]] Tensor scaled(const Tensor& values, const Tensor& minus, const Tensor& plus) const {
    Tensor y(x.shape());
    const Tensor factor = channel_product(inverse, gamma);
    grid.by_samples([x = values.data(), y = y.mutable_data(), mean = minus.data(), a = factor.data(), b = plus.data()](
                        const ChannelBlock& block, std::int64_t at) {
      kernels().channel_scale(block, x + at, mean, a, b, y + at);
    });
    return y;
  }
  [[nodiscard]] Tensor output(const Tensor& beta) const {
    return scaled(x, mean, beta.empty() ? Tensor::zeros(mean.shape()) : beta);
  }
  /// Σ dy, and Σ dy·(x − μ)/√(σ² + ε)
  struct Sums {
    Tensor by_beta, by_gamma;
  };
  [[nodiscard]] Sums sums(const Tensor& dy) const {
    Sums s{Tensor(mean.shape()), Tensor(mean.shape())};
    grid.by_channels(
        [dy = dy.data(), x = x.data(), mean = mean.data(), sums = s.by_beta.mutable_data(),
         products = s.by_gamma.mutable_data()](const ChannelBlock& block, std::int64_t c, std::int64_t at) {
          kernels().channel_products(block, dy + at, x + at, mean + c, sums + c, products + c);
        });
    s.by_gamma = channel_product(s.by_gamma, inverse);
    return s;
  }
  /// Through x alone, the statistics held.
  [[nodiscard]] Tensor by_input(const Tensor& dy) const {
    const Tensor none = Tensor::zeros(mean.shape());
    return scaled(dy, none, none);
  }
  /// Through x and the statistics: γ/√(σ²+ε)·(dy − mean(dy) − x̂·mean(dy·x̂)), the means from dγ and dβ.
  [[nodiscard]] Tensor by_input_and_statistics(const Tensor& dy, const Sums& sums) const {
    Tensor dx(x.shape());
    const Scalar share = Scalar{1} / static_cast<Scalar>(grid.count());
    const Tensor factor = channel_product(inverse, gamma);
    const Tensor slope = channel_scaled(channel_product(sums.by_gamma, inverse), share);
    const Tensor offset = channel_scaled(sums.by_beta, share);
    grid.by_samples([x = x.data(), mean = mean.data(), dy = dy.data(), dx = dx.mutable_data(), a = factor.data(),
                     s = slope.data(), o = offset.data()](const ChannelBlock& block, std::int64_t at) {
      kernels().channel_scale_grad(block, dy + at, x + at, mean, a, s, o, dx + at);
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
  result.mean = channel_scaled(channel_sums(grid, x.value(), {}), share);
  const Tensor squares = channel_sums(grid, x.value(), result.mean);
  result.variance = channel_scaled(squares, share);
  result.unbiased_variance = channel_scaled(squares, Scalar{1} / static_cast<Scalar>(grid.count() - 1));
  Normalized n = normalized(grid, x, gamma, result.mean, inverse_deviation(result.variance, epsilon));
  Tensor y = n.output(beta.empty() ? Tensor() : beta.value());
  result.output =
      record(kBatchNorm, std::move(y), {x, gamma, beta}, [n = std::move(n)](const Tensor& dy, const Needs& needs) {
        Gradients gradients(3);
        const Normalized::Sums sums = n.sums(dy);
        gradients[1] = sums.by_gamma;
        gradients[2] = sums.by_beta;
        if (needs[0]) gradients[0] = n.by_input_and_statistics(dy, sums);
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
    if (!needs[1] && !needs[2]) return gradients;
    const Normalized::Sums sums = n.sums(dy);
    gradients[1] = sums.by_gamma;
    gradients[2] = sums.by_beta;
    return gradients;
  });
}

}  // namespace tempera::core
