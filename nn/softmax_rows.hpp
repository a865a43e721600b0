// Softmax at a temperature in double precision, row by row: what metrics and the temperature study are computed from.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/nn/metrics.hpp"

namespace tempera::nn {

/// log softmax(z / T) directly: z/T − max − log Σ exp(z/T − max), never the logarithm of a rounded probability.
void log_softmax_row(std::span<const Scalar> logits, double temperature, std::span<double> log_probabilities);

/// Calls fn(row, log_probabilities) for every row of logits [n, classes].
/// Throws ShapeError for another rank or no classes, ConfigError unless temperature is finite and > 0.
template <class Fn>
void for_each_log_softmax(const core::Tensor& logits, double temperature, Fn&& fn);

/// Throws ShapeError unless logits is [n, classes ≥ 1].
void check_logits(const core::Tensor& logits);
/// check_logits and: one label per row, each in [0, classes).
void check_labels(const core::Tensor& logits, Labels labels);
/// Throws ConfigError unless temperature is finite and > 0.
void check_temperature(double temperature);

[[nodiscard]] inline std::span<const Scalar> row_of(const core::Tensor& logits, std::int64_t row) noexcept {
  const auto classes = static_cast<std::size_t>(logits.shape()[1]);
  return logits.values().subspan(static_cast<std::size_t>(row) * classes, classes);
}

template <class Fn>
void for_each_log_softmax(const core::Tensor& logits, double temperature, Fn&& fn) {
  check_logits(logits);
  check_temperature(temperature);
  std::vector<double> log_probabilities(static_cast<std::size_t>(logits.shape()[1]));
  for (std::int64_t row = 0; row < logits.shape()[0]; ++row) {
    log_softmax_row(row_of(logits, row), temperature, log_probabilities);
    fn(row, std::span<const double>(log_probabilities));
  }
}

}  // namespace tempera::nn
