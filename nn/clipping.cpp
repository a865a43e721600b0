#include "tempera/nn/clipping.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::nn {
namespace {

constexpr std::int64_t kChunk = 32768;

// In float, and again in double where that has no room: the square of an element is beyond it from 1.9e19 on.
double sum_squares(std::int64_t n, const Scalar* values) {
  const auto sum = static_cast<double>(core::kernels().sum_squares(n, values));
  if (std::isfinite(sum)) return sum;
  double exact = 0;
  for (std::int64_t i = 0; i < n; ++i) exact += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return exact;
}

// Chunks are added in double, in their order.
double sum_squares(const core::Tensor& tensor) {
  return core::parallel_reduce(
      tensor.numel(), kChunk, 0.0,
      [values = tensor.data()](std::int64_t begin, std::int64_t end) {
        return sum_squares(end - begin, values + begin);
      },
      [](double a, double b) { return a + b; });
}

// values ← factor·values; a factor that has too few digits in float, or is 0 there, meets values that are large enough.
void scale(std::int64_t n, double factor, Scalar* values) {
  if (factor >= static_cast<double>(std::numeric_limits<Scalar>::min())) {
    return core::kernels().mul_scalar(n, values, static_cast<Scalar>(factor), values);
  }
  for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<Scalar>(factor * static_cast<double>(values[i]));
}

}  // namespace

double gradient_norm(const std::vector<Parameter>& parameters) {
  double sum = 0;
  for (const Parameter& parameter : parameters) {
    const core::Tensor& grad = parameter.variable.grad();
    if (!grad.empty()) sum += sum_squares(grad);
  }
  return std::sqrt(sum);
}

double clip_gradient_norm(const std::vector<Parameter>& parameters, double limit) {
  const double norm = gradient_norm(parameters);
  if (!(norm > limit) || !std::isfinite(norm)) return norm;
  const double factor = limit / norm;
  for (const Parameter& parameter : parameters) {
    core::Tensor& grad = parameter.variable.mutable_grad();
    if (grad.empty()) continue;
    Scalar* values = grad.mutable_data();
    core::parallel_for(grad.numel(), kChunk,
                       [&](std::int64_t begin, std::int64_t end) { scale(end - begin, factor, values + begin); });
  }
  return norm;
}

void clip_gradient_values(const std::vector<Parameter>& parameters, double limit) {
  const auto bound = static_cast<Scalar>(limit);
  for (const Parameter& parameter : parameters) {
    core::Tensor& grad = parameter.variable.mutable_grad();
    if (grad.empty()) continue;
    Scalar* values = grad.mutable_data();
    core::parallel_for(grad.numel(), kChunk, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) values[i] = std::clamp(values[i], -bound, bound);
    });
  }
}

void limit_squared_lengths(const std::vector<Parameter>& parameters, double limit) {
  for (const Parameter& parameter : parameters) {
    if (parameter.role != Role::kWeight || parameter.shape.rank() < 2 || parameter.numel() == 0) continue;
    Scalar* values = parameter.variable.mutable_value().mutable_data();
    const std::int64_t rows = parameter.shape[0];
    const std::int64_t columns = parameter.numel() / rows;
    core::parallel_for(rows, std::max<std::int64_t>(1, kChunk / columns), [&](std::int64_t begin, std::int64_t end) {
      for (Scalar* row = values + begin * columns; row != values + end * columns; row += columns) {
        const double squared = sum_squares(columns, row);
        if (squared > limit && std::isfinite(squared)) scale(columns, std::sqrt(limit / squared), row);
      }
    });
  }
}

}  // namespace tempera::nn
