#include "tempera/nn/softmax_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/errors.hpp"

namespace tempera::nn {

void log_softmax_row(std::span<const Scalar> logits, double temperature, std::span<double> log_probabilities) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (std::size_t j = 0; j < logits.size(); ++j) {
    log_probabilities[j] = (logits[j] - largest) / temperature;
    sum += std::exp(log_probabilities[j]);
  }
  const double log_sum = std::log(sum);
  for (double& value : log_probabilities) value -= log_sum;
}

void check_logits(const core::Tensor& logits) {
  if (logits.rank() != 2 || logits.shape()[1] < 1) {
    throw core::ShapeError(fmt::format("logits must be [samples, classes], received {}", logits.shape().text()));
  }
}

void check_labels(const core::Tensor& logits, Labels labels) {
  check_logits(logits);
  const std::int64_t n = logits.shape()[0];
  const std::int64_t classes = logits.shape()[1];
  if (static_cast<std::int64_t>(labels.size()) != n) {
    throw core::ShapeError(fmt::format("{} rows of logits need as many labels, received {}", n, labels.size()));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      throw core::ShapeError(fmt::format("label {} of sample {} is outside of the {} classes", labels[i], i, classes));
    }
  }
}

void check_temperature(double temperature) {
  if (!(temperature > 0) || !std::isfinite(temperature)) {
    throw core::ConfigError(fmt::format("temperature must be a finite number above 0, received {}", temperature));
  }
}

}  // namespace tempera::nn
