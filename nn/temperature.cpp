#include "tempera/nn/temperature.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "tempera/nn/softmax_rows.hpp"

namespace tempera::nn {
namespace {

// d NLL / d(1/T) = mean over rows of (Σ_j p_j z_j) − z_label.
double slope_by_inverse(const core::Tensor& logits, Labels labels, double temperature) {
  double sum = 0;
  for_each_log_softmax(logits, temperature, [&](std::int64_t row, std::span<const double> log_p) {
    const std::span<const Scalar> z = row_of(logits, row);
    double expected = 0;
    for (std::size_t j = 0; j < z.size(); ++j) expected += std::exp(log_p[j]) * z[j];
    sum += expected - z[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])];
  });
  return sum;
}

// log(σ(z)) − log(1 − σ(z)) from the two probabilities as a program holds them, each rounded to double. Both come from
// exp of a negative number, so that neither is 1 minus something almost 1.
double logit_of_sigmoid(double z) {
  const double small = std::exp(-std::abs(z)) / (1 + std::exp(-std::abs(z)));
  const double large = 1 / (1 + std::exp(-std::abs(z)));
  return std::copysign(std::log(large) - std::log(small), z);
}

std::array<Scalar, 2> two_largest(std::span<const Scalar> z) {
  std::array<Scalar, 2> two{std::max(z[0], z[1]), std::min(z[0], z[1])};
  for (const Scalar value : z.subspan(2)) {
    if (value > two[0]) {
      two = {value, two[0]};
    } else if (value > two[1]) {
      two[1] = value;
    }
  }
  return two;
}

}  // namespace

std::vector<double> log_softmax_at(std::span<const Scalar> logits, double temperature) {
  check_temperature(temperature);
  std::vector<double> result(logits.size());
  if (!logits.empty()) log_softmax_row(logits, temperature, result);
  return result;
}

std::vector<double> softmax_at(std::span<const Scalar> logits, double temperature) {
  std::vector<double> result = log_softmax_at(logits, temperature);
  for (double& value : result) value = std::exp(value);
  return result;
}

std::vector<TemperaturePoint> temperature_curve(const core::Tensor& logits, Labels labels,
                                                std::span<const double> temperatures) {
  std::vector<TemperaturePoint> curve;
  curve.reserve(temperatures.size());
  for (const double temperature : temperatures) {
    const ProbabilityScores scores = probability_scores(logits, labels, temperature);
    const auto bins = reliability(logits, labels, Binning::kEqualWidth, 15, temperature);
    curve.push_back({temperature, scores.entropy, scores.nll, expected_calibration_error(bins)});
  }
  return curve;
}

double best_temperature(const core::Tensor& logits, Labels labels) {
  check_labels(logits, labels);
  double low = std::log(kLeastTemperature);
  double high = std::log(kMostTemperature);
  // The slope by 1/T is negative where T should be smaller (1/T larger).
  if (slope_by_inverse(logits, labels, std::exp(low)) <= 0) return kLeastTemperature;
  if (slope_by_inverse(logits, labels, std::exp(high)) >= 0) return kMostTemperature;
  while (high - low > 1e-10) {
    const double middle = (low + high) / 2;
    (slope_by_inverse(logits, labels, std::exp(middle)) > 0 ? low : high) = middle;
  }
  return std::exp((low + high) / 2);
}

std::vector<std::vector<double>> dark_knowledge(const core::Tensor& logits, Labels labels, double temperature) {
  check_labels(logits, labels);
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  std::vector<std::vector<double>> matrix(classes, std::vector<double>(classes));
  std::vector<std::int64_t> samples(classes);
  for_each_log_softmax(logits, temperature, [&](std::int64_t row, std::span<const double> log_p) {
    const auto label = static_cast<std::size_t>(labels[static_cast<std::size_t>(row)]);
    ++samples[label];
    for (std::size_t j = 0; j < classes; ++j) matrix[label][j] += std::exp(log_p[j]);
  });
  for (std::size_t i = 0; i < classes; ++i) {
    for (double& value : matrix[i]) value /= static_cast<double>(std::max<std::int64_t>(1, samples[i]));
  }
  return matrix;
}

std::vector<AlikePair> alike_pairs(const std::vector<std::vector<double>>& dark_knowledge) {
  std::vector<AlikePair> pairs;
  for (std::size_t a = 0; a < dark_knowledge.size(); ++a) {
    for (std::size_t b = a + 1; b < dark_knowledge.size(); ++b) {
      pairs.push_back({static_cast<std::int64_t>(a), static_cast<std::int64_t>(b),
                       (dark_knowledge[a].at(b) + dark_knowledge[b].at(a)) / 2});
    }
  }
  std::ranges::stable_sort(pairs, std::ranges::greater{}, &AlikePair::probability);
  return pairs;
}

SoftmaxIdentities softmax_identities(const core::Tensor& logits) {
  check_logits(logits);
  constexpr double kSaturation = 30;
  SoftmaxIdentities worst;
  for (std::int64_t row = 0; row < logits.shape()[0]; ++row) {
    const std::span<const Scalar> z = row_of(logits, row);
    for (const double value : z) {
      if (std::abs(value) > kSaturation) {
        ++worst.logits_skipped;
      } else {
        worst.logit_of_sigmoid = std::max(worst.logit_of_sigmoid, std::abs(logit_of_sigmoid(value) - value));
      }
    }
    if (z.size() < 2) continue;
    const std::array<Scalar, 2> two = two_largest(z);
    const double sigmoid = 1 / (1 + std::exp(static_cast<double>(two[1]) - static_cast<double>(two[0])));
    worst.two_class_softmax = std::max(worst.two_class_softmax, std::abs(softmax_at(two, 1).front() - sigmoid));
  }
  return worst;
}

}  // namespace tempera::nn
