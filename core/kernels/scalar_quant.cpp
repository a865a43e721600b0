// Reference kernels: ranges and fake quantization.
#include <cmath>
#include <limits>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

void min_max(std::int64_t n, const Scalar* x, Scalar* low, Scalar* high) noexcept {
  constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();
  *low = kInfinity;
  *high = -kInfinity;
  for (std::int64_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) {
      *low = *high = x[i];
      return;
    }
    if (x[i] < *low) *low = x[i];
    if (x[i] > *high) *high = x[i];
  }
}

Scalar step_of(const FakeQuantGrid& grid, Scalar x) noexcept { return std::nearbyint(x / grid.scale) + grid.zero; }

void fake_quant_grad(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, const Scalar* dy,
                     Scalar* dx) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {
    const Scalar q = step_of(grid, x[i]);
    dx[i] = q >= grid.low && q <= grid.high ? dy[i] : Scalar{0};
  }
}

}  // namespace

bool scalar_fake_quant(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, Scalar* y) noexcept {
  bool inside = true;
  for (std::int64_t i = 0; i < n; ++i) {
    Scalar q = step_of(grid, x[i]);
    inside = inside && q >= grid.low && q <= grid.high;
    if (q < grid.low) q = grid.low;
    if (q > grid.high) q = grid.high;
    y[i] = (q - grid.zero) * grid.scale;
  }
  return inside;
}

void fill_scalar_quant(KernelTable& table) {
  table.min_max = min_max;
  table.fake_quant = scalar_fake_quant;
  table.fake_quant_grad = fake_quant_grad;
}

}  // namespace tempera::core::detail
