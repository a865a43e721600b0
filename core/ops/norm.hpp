// Normalisation over the batch and over features.
#pragma once

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// What batch_norm computed and measured on the way; the tensors are [channels].
struct BatchNormResult {
  Variable output;
  Tensor mean;
  Tensor variance;           ///< biased: what the batch was normalised with
  Tensor unbiased_variance;  ///< times n/(n−1): what PyTorch averages into its running variance
};

/// γ·(x − μ)/√(σ² + ε) + β for each channel, μ and σ² of this batch (Ioffe & Szegedy 2015, algorithm 1): x
/// [batch, channels, …], γ and β [channels] (empty: 1 and 0). Throws ShapeError for other shapes or fewer than two values
/// a channel, ConfigError unless ε > 0.
[[nodiscard]] BatchNormResult batch_norm_training(const Variable& x, const Variable& gamma, const Variable& beta,
                                                  double epsilon = 1e-5);

/// The same with given statistics [channels], which are constants.
[[nodiscard]] Variable batch_norm_evaluation(const Variable& x, const Variable& gamma, const Variable& beta,
                                             const Tensor& mean, const Tensor& variance, double epsilon = 1e-5);

/// γ·(x − μ)/√(σ² + ε) + β over the trailing `axes` axes of each sample (Ba et al. 2016, eq. 4); γ and β have the shape
/// of these axes (empty: 1 and 0). Throws ShapeError, ConfigError unless ε > 0.
[[nodiscard]] Variable layer_norm(const Variable& x, int axes, const Variable& gamma, const Variable& beta,
                                  double epsilon = 1e-5);

}  // namespace tempera::core
