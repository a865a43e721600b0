#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "tempera/core/errors.hpp"
#include "tempera/nn/initializers.hpp"

namespace tempera::nn {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Gram–Schmidt by rows, each projected out twice, which keeps the angles right to rounding (Giraud et al. 2005). With
// normally distributed rows the result is uniform among orthogonal matrices, since all lengths are taken positive.
void orthonormalize_rows(std::vector<double>& matrix, std::size_t rows, std::size_t columns) {
  const auto row = [&](std::size_t r) { return std::span<double>(matrix).subspan(r * columns, columns); };
  for (std::size_t r = 0; r < rows; ++r) {
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t before = 0; before < r; ++before) {
        const double along = dot(row(r), row(before));
        for (std::size_t c = 0; c < columns; ++c) row(r)[c] -= along * row(before)[c];
      }
    }
    const double length = std::sqrt(dot(row(r), row(r)));
    for (double& value : row(r)) value /= length;
  }
}

}  // namespace

void OrthogonalInit::fill(core::Tensor& tensor, const core::Random& random) const {
  const Fans f = fans(tensor.shape());
  const auto out = static_cast<std::size_t>(tensor.dim(0));
  const auto in = static_cast<std::size_t>(f.in);
  const bool wide = out <= in;
  const std::size_t rows = std::min(out, in);
  const std::size_t columns = std::max(out, in);
  std::vector<double> matrix(rows * columns);
  for (std::size_t i = 0; i < matrix.size(); ++i) matrix[i] = random.normal(i);
  orthonormalize_rows(matrix, rows, columns);
  const std::span<Scalar> values = tensor.mutable_values();
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t i = 0; i < in; ++i) {
      values[o * in + i] =
          static_cast<Scalar>(config_.gain * (wide ? matrix[o * columns + i] : matrix[i * columns + o]));
    }
  }
}

}  // namespace tempera::nn
