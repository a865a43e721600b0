// Reference kernels: reductions and functions of the rows of a matrix.
#include <cmath>
#include <limits>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

// Sums in double, so that the reference's own rounding does not count against the levels compared with it.
Scalar sum(std::int64_t n, const Scalar* x) noexcept {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(x[i]);
  return static_cast<Scalar>(total);
}

Scalar sum_squares(std::int64_t n, const Scalar* x) noexcept {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return static_cast<Scalar>(total);
}

Scalar max(std::int64_t n, const Scalar* x) noexcept {
  Scalar largest = -std::numeric_limits<Scalar>::infinity();
  for (std::int64_t i = 0; i < n; ++i) {
    if (!(x[i] <= largest)) largest = x[i];
    if (std::isnan(largest)) break;
  }
  return largest;
}

void column_sum(std::int64_t rows, std::int64_t columns, const Scalar* x, Scalar* y) noexcept {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) y[c] += x[r * columns + c];
  }
}

Scalar sum_exp(std::int64_t n, const Scalar* x, Scalar shift) noexcept {
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) total += static_cast<double>(std::exp(x[i] - shift));
  return static_cast<Scalar>(total);
}

void softmax(std::int64_t rows, std::int64_t columns, const Scalar* x, Scalar* y) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const Scalar largest = max(columns, x);
    const Scalar total = sum_exp(columns, x, largest);
    for (std::int64_t c = 0; c < columns; ++c) y[c] = std::exp(x[c] - largest) / total;
  }
}

void log_softmax(std::int64_t rows, std::int64_t columns, const Scalar* x, Scalar* y) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const Scalar largest = max(columns, x);
    const Scalar log_total = std::log(sum_exp(columns, x, largest));
    for (std::int64_t c = 0; c < columns; ++c) y[c] = x[c] - largest - log_total;
  }
}

void softmax_grad(std::int64_t rows, std::int64_t columns, const Scalar* dy, const Scalar* y, Scalar* dx) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, dy += columns, y += columns, dx += columns) {
    double dot = 0;
    for (std::int64_t c = 0; c < columns; ++c) dot += static_cast<double>(dy[c]) * static_cast<double>(y[c]);
    for (std::int64_t c = 0; c < columns; ++c) dx[c] = y[c] * (dy[c] - static_cast<Scalar>(dot));
  }
}

// −Σ t·log softmax(x) = log Σ exp(x − max) − Σ t·(x − max), since the targets t of a row sum to 1.
void cross_entropy(std::int64_t rows, std::int64_t columns, const Scalar* x, const std::int32_t* labels,
                   Scalar smoothing, Scalar scale, Scalar* loss, Scalar* grad) noexcept {
  const Scalar background = smoothing / static_cast<Scalar>(columns);
  for (std::int64_t r = 0; r < rows; ++r, x += columns) {
    const Scalar largest = max(columns, x);
    const Scalar total = sum_exp(columns, x, largest);
    const auto target = [&](std::int64_t c) { return c == labels[r] ? 1 - smoothing + background : background; };
    double expected = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      if (target(c) != 0) expected += static_cast<double>(target(c)) * static_cast<double>(x[c] - largest);
    }
    loss[r] = std::log(total) - static_cast<Scalar>(expected);
    if (grad == nullptr) continue;
    for (std::int64_t c = 0; c < columns; ++c) {
      grad[r * columns + c] = scale * (std::exp(x[c] - largest) / total - target(c));
    }
  }
}

}  // namespace

void fill_scalar_rows(KernelTable& table) {
  table.sum = sum;
  table.sum_squares = sum_squares;
  table.column_sum = column_sum;
  table.softmax = softmax;
  table.log_softmax = log_softmax;
  table.softmax_grad = softmax_grad;
  table.cross_entropy = cross_entropy;
}

}  // namespace tempera::core::detail
