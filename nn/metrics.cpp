#include "tempera/nn/metrics.hpp"

#include <algorithm>
#include <cmath>

#include "tempera/nn/softmax_rows.hpp"

namespace tempera::nn {
namespace {

std::int32_t argmax(std::span<const Scalar> row) {
  return static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin());
}

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<std::int32_t> predictions(const core::Tensor& logits) {
  check_logits(logits);
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>(logits.shape()[0]));
  for (std::int64_t row = 0; row < logits.shape()[0]; ++row) result.push_back(argmax(row_of(logits, row)));
  return result;
}

std::int64_t count_correct(const core::Tensor& logits, Labels labels) {
  check_labels(logits, labels);
  std::int64_t correct = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    correct += argmax(row_of(logits, static_cast<std::int64_t>(row))) == labels[row] ? 1 : 0;
  }
  return correct;
}

ConfusionMatrix confusion_matrix(const core::Tensor& logits, Labels labels) {
  check_labels(logits, labels);
  ConfusionMatrix matrix{.classes = logits.shape()[1]};
  matrix.counts.resize(static_cast<std::size_t>(matrix.classes * matrix.classes));
  const std::vector<std::int32_t> predicted = predictions(logits);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++matrix.counts[static_cast<std::size_t>(labels[i] * matrix.classes + predicted[i])];
  }
  return matrix;
}

ProbabilityScores probability_scores(const core::Tensor& logits, Labels labels, double temperature) {
  check_labels(logits, labels);
  ProbabilityScores sum;
  for_each_log_softmax(logits, temperature, [&](std::int64_t row, std::span<const double> log_p) {
    const auto label = static_cast<std::size_t>(labels[static_cast<std::size_t>(row)]);
    sum.nll -= log_p[label];
    for (std::size_t j = 0; j < log_p.size(); ++j) {
      const double p = std::exp(log_p[j]);
      const double miss = p - (j == label ? 1 : 0);
      sum.brier += miss * miss;
      if (p > 0) sum.entropy -= p * log_p[j];
    }
  });
  const double n = std::max<double>(1, static_cast<double>(labels.size()));
  return {.nll = sum.nll / n, .brier = sum.brier / n, .entropy = sum.entropy / n};
}

ClassificationMetrics classification_metrics(const core::Tensor& logits, Labels labels) {
  const ProbabilityScores scores = probability_scores(logits, labels);
  ClassificationMetrics result;
  result.n = static_cast<std::int64_t>(labels.size());
  const std::int64_t correct = count_correct(logits, labels);
  result.errors = result.n - correct;
  result.accuracy = share(correct, result.n);
  result.nll = scores.nll;
  result.brier = scores.brier;
  result.entropy = scores.entropy;
  result.ece = expected_calibration_error(reliability(logits, labels));
  return result;
}

}  // namespace tempera::nn
