// What a trained classifier's logits say as the temperature of its softmax changes (Hinton et al. 2015, §2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/metrics.hpp"

namespace tempera::nn {

/// softmax(z / T) of one row of logits. Throws ConfigError unless T is finite and > 0.
[[nodiscard]] std::vector<double> softmax_at(std::span<const Scalar> logits, double temperature);
/// log softmax(z / T), computed directly.
[[nodiscard]] std::vector<double> log_softmax_at(std::span<const Scalar> logits, double temperature);

/// Over a set, at one temperature.
struct TemperaturePoint {
  double temperature = 1;
  double entropy = 0;  ///< mean, nats
  double nll = 0;      ///< mean, nats
  double ece = 0;      ///< 15 bins of equal width
};
/// One point per temperature. logits: [n, classes].
[[nodiscard]] std::vector<TemperaturePoint> temperature_curve(const core::Tensor& logits, Labels labels,
                                                              std::span<const double> temperatures);

/// Between these a temperature is looked for.
inline constexpr double kLeastTemperature = 0.01, kMostTemperature = 100;

/// The temperature that minimises the mean NLL of softmax(logits / T) (temperature scaling; Guo et al. 2017, §4.2), found
/// by bisecting the derivative by 1/T, which rises because the NLL is convex in 1/T. An end of the range where the NLL still
/// falls there (every sample right: the least; worse than guessing: the most).
[[nodiscard]] double best_temperature(const core::Tensor& logits, Labels labels);

/// matrix[i][j]: mean probability of class j over the samples of class i at this temperature; a row of zeros for a class
/// without samples.
[[nodiscard]] std::vector<std::vector<double>> dark_knowledge(const core::Tensor& logits, Labels labels,
                                                              double temperature);

/// Two classes and how alike the network finds them.
struct AlikePair {
  std::int64_t a = 0, b = 0;  ///< a < b
  double probability = 0;     ///< (matrix[a][b] + matrix[b][a]) / 2
};
/// All pairs, the most alike first.
[[nodiscard]] std::vector<AlikePair> alike_pairs(const std::vector<std::vector<double>>& dark_knowledge);

/// Two identities on a network's own logits, with the largest error seen; rounding is all that separates them from 0.
struct SoftmaxIdentities {
  double logit_of_sigmoid = 0;  ///< max |logit(σ(z)) − z| over all logits with |z| ≤ 30 (beyond, σ rounds to 1)
  double two_class_softmax = 0;  ///< max |softmax([z₁, z₂])₁ − σ(z₁ − z₂)| over the two largest logits of each row
  std::int64_t logits_skipped = 0;  ///< those beyond ±30
};
[[nodiscard]] SoftmaxIdentities softmax_identities(const core::Tensor& logits);

}  // namespace tempera::nn
