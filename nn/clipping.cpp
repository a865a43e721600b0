#include "tempera/nn/clipping.hpp"

#include <algorithm>
#include <cmath>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::nn {
namespace {

constexpr std::int64_t kChunk = 32768;

// Kernels sum in float over one chunk; chunks are added in double, in their order.
double sum_squares(const core::Tensor& tensor) {
  const core::KernelTable& kernels = core::kernels();
  const Scalar* values = tensor.data();
  return core::parallel_reduce(
      tensor.numel(), kChunk, 0.0,
      [&](std::int64_t begin, std::int64_t end) {
        return static_cast<double>(kernels.sum_squares(end - begin, values + begin));
      },
      [](double a, double b) { return a + b; });
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
  const core::KernelTable& kernels = core::kernels();
  const auto factor = static_cast<Scalar>(limit / norm);
  for (const Parameter& parameter : parameters) {
    core::Tensor& grad = parameter.variable.mutable_grad();
    if (grad.empty()) continue;
    Scalar* values = grad.mutable_data();
    core::parallel_for(grad.numel(), kChunk, [&](std::int64_t begin, std::int64_t end) {
      kernels.mul_scalar(end - begin, values + begin, factor, values + begin);
    });
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
  const core::KernelTable& kernels = core::kernels();
  for (const Parameter& parameter : parameters) {
    if (parameter.role != Role::kWeight || parameter.shape.rank() < 2 || parameter.numel() == 0) continue;
    Scalar* values = parameter.variable.mutable_value().mutable_data();
    const std::int64_t rows = parameter.shape[0];
    const std::int64_t columns = parameter.numel() / rows;
    core::parallel_for(rows, std::max<std::int64_t>(1, kChunk / columns), [&](std::int64_t begin, std::int64_t end) {
      for (Scalar* row = values + begin * columns; row != values + end * columns; row += columns) {
        const double squared = kernels.sum_squares(columns, row);
        if (squared > limit) kernels.mul_scalar(columns, row, static_cast<Scalar>(std::sqrt(limit / squared)), row);
      }
    });
  }
}

}  // namespace tempera::nn
