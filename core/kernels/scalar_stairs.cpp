// Reference kernel: a staircase of sigmoids.
#include <algorithm>
#include <cmath>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

struct Point {
  double sum = 0;    // Σ σ
  double slope = 0;  // Σ σ(1 − σ)
};

// Only steps within kSigmoidReach/T are computed; those below count 1, those above 0. The symmetric form: e is never above 1.
Point at(double position, const SigmoidStairs& stairs) noexcept {
  const double reach = kSigmoidReach / stairs.temperature + 1;
  const double first = std::clamp(std::ceil(position - reach), 1.0, stairs.steps + 1.0);
  const double last = std::clamp(std::floor(position + reach), 0.0, stairs.steps);
  Point point{.sum = first - 1, .slope = 0};
  for (double k = first; k <= last; ++k) {
    const double z = stairs.temperature * (position - k), e = std::exp(-std::abs(z)), small = e / (1 + e);
    point.sum += z >= 0 ? 1 - small : small;
    point.slope += small * (1 - small);
  }
  return point;
}

void sigmoid_stairs(std::int64_t n, const SigmoidStairs& stairs, const Scalar* x, Scalar* y, Scalar* slope) noexcept {
  const double steepness = stairs.height / stairs.width * stairs.temperature;
  for (std::int64_t i = 0; i < n; ++i) {
    const Point point = at(static_cast<double>(x[i]) / stairs.width + stairs.middle + 0.5, stairs);
    y[i] = static_cast<Scalar>(stairs.height * (point.sum - stairs.middle));
    slope[i] = static_cast<Scalar>(steepness * point.slope);
  }
}

}  // namespace

void fill_scalar_stairs(KernelTable& table) { table.sigmoid_stairs = sigmoid_stairs; }

}  // namespace tempera::core::detail
