// What is measured on a classifier's logits: accuracy, likelihood, calibration. Everything is computed in double.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tempera/core/tensor.hpp"

namespace tempera::nn {

/// Labels of samples, each in [0, classes).
using Labels = std::span<const std::int32_t>;

/// Column of the largest logit in each row; the lowest column wins ties. logits: [n, classes].
[[nodiscard]] std::vector<std::int32_t> predictions(const core::Tensor& logits);
/// Rows whose prediction is the label. Throws ShapeError unless logits is [n, classes] and labels has n entries in range.
[[nodiscard]] std::int64_t count_correct(const core::Tensor& logits, Labels labels);

/// counts[label][prediction], row-major.
struct ConfusionMatrix {
  std::int64_t classes = 0;
  std::vector<std::int64_t> counts;

  [[nodiscard]] std::int64_t at(std::int64_t label, std::int64_t prediction) const {
    return counts.at(static_cast<std::size_t>(label * classes + prediction));
  }
};
[[nodiscard]] ConfusionMatrix confusion_matrix(const core::Tensor& logits, Labels labels);

/// How bins of a reliability diagram are cut.
enum class Binning {
  kEqualWidth,  ///< bin i holds confidences in (i/bins, (i+1)/bins] (Guo et al. 2017, §2)
  kEqualMass    ///< samples sorted by confidence, cut into parts whose sizes differ by at most one
};

/// One bin of a reliability diagram (Guo et al. 2017, eq. 1).
struct ReliabilityBin {
  double low = 0, high = 0;  ///< range of confidences: the cut for equal width, the extremes inside for equal mass
  std::int64_t count = 0;
  double confidence = 0;  ///< mean probability of the predicted class; 0 for an empty bin
  double accuracy = 0;    ///< share predicted right; 0 for an empty bin
};
/// Throws as count_correct, ConfigError for less than one bin or a temperature that is not above 0, and NumericError naming
/// the first sample whose logits are not finite.
[[nodiscard]] std::vector<ReliabilityBin> reliability(const core::Tensor& logits, Labels labels,
                                                      Binning binning = Binning::kEqualWidth, int bins = 15,
                                                      double temperature = 1);
/// Σ count/n · |accuracy − confidence| (expected calibration error; Guo et al. 2017, eq. 3).
[[nodiscard]] double expected_calibration_error(std::span<const ReliabilityBin> bins);

/// Means over rows of softmax(logits / temperature).
struct ProbabilityScores {
  double nll = 0;      ///< −log p(label), in nats
  double brier = 0;    ///< Σ_j (p_j − [j = label])² (Brier 1950)
  double entropy = 0;  ///< −Σ p log p, in nats
};
/// Throws ConfigError unless temperature > 0.
[[nodiscard]] ProbabilityScores probability_scores(const core::Tensor& logits, Labels labels, double temperature = 1);

/// The numbers of summary.json.
struct ClassificationMetrics {
  std::int64_t n = 0;
  std::int64_t errors = 0;
  double accuracy = 0;
  double nll = 0;
  double ece = 0;  ///< 15 bins of equal width
  double brier = 0;
  double entropy = 0;
};
[[nodiscard]] ClassificationMetrics classification_metrics(const core::Tensor& logits, Labels labels);

}  // namespace tempera::nn
