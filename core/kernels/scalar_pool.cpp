// Reference kernels: max-pooling by neighbouring windows of 2×2 pixels.
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

void pairs(const PairPlane& plane, const Scalar* x, Scalar* y, Scalar* chosen) noexcept {
  for (std::int64_t row = 0; row < plane.height / 2; ++row) {
    for (std::int64_t column = 0; column < plane.width / 2; ++column) {
      const Scalar* corner = x + 2 * row * plane.row + 2 * column;
      Scalar best = corner[0];
      int at = 0;
      for (int i = 1; i < 4; ++i) {
        const Scalar pixel = corner[i / 2 * plane.row + i % 2];
        if (!(pixel > best || pixel != pixel)) continue;
        best = pixel;
        at = i;
      }
      *y++ = best;
      *chosen++ = static_cast<Scalar>(at);
    }
  }
}

bool pairs_on_grid(const PairPlane& plane, const FakeQuantGrid& grid, const Scalar* x, Scalar* y, Scalar* chosen,
                   Scalar* taken) noexcept {
  bool inside = true;
  for (std::int64_t row = 0; row < plane.height / 2; ++row) {
    for (std::int64_t column = 0; column < plane.width / 2; ++column) {
      const Scalar* corner = x + 2 * row * plane.row + 2 * column;
      const Scalar pixels[4] = {corner[0], corner[1], corner[plane.row], corner[plane.row + 1]};
      Scalar snapped[4];
      inside = scalar_fake_quant(4, grid, pixels, snapped) && inside;
      pairs({2, 2}, snapped, y++, chosen);
      *taken++ = pixels[static_cast<std::size_t>(*chosen++)];
    }
  }
  return inside;
}

void pairs_grad(const PairPlane& plane, const Scalar* dy, const Scalar* chosen, Scalar* dx) noexcept {
  const std::int64_t columns = plane.width / 2;
  for (std::int64_t row = 0; row < plane.height; ++row) {
    for (std::int64_t column = 0; column < plane.width; ++column) {
      const bool inside = row / 2 < plane.height / 2 && column / 2 < columns;
      const std::int64_t window = row / 2 * columns + column / 2;
      const auto at = static_cast<Scalar>(row % 2 * 2 + column % 2);
      dx[row * plane.row + column] = inside && chosen[window] == at ? dy[window] : Scalar{0};
    }
  }
}

}  // namespace

void fill_scalar_pool(KernelTable& table) {
  table.pool_pairs = pairs;
  table.pool_pairs_on_grid = pairs_on_grid;
  table.pool_pairs_grad = pairs_grad;
}

}  // namespace tempera::core::detail
