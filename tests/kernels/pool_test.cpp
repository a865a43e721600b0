// Oracle: the definition in the kernel table, in a plain loop; guard pages watch what is touched.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test {
namespace {

using core::kernels;

void check_pairs(std::int64_t height, std::int64_t width, std::vector<float> pixels) {
  CAPTURE(height);
  CAPTURE(width);
  const std::int64_t rows = height / 2, columns = width / 2;
  const auto windows = static_cast<std::size_t>(rows * columns);
  Guarded<float> x{std::span<const float>(pixels)}, y(windows), chosen(windows), dx(pixels.size());
  kernels().pool_pairs({height, width}, x.data(), y.data(), chosen.data());
  const auto grad = uniform(rows * columns, 1, 2, 5);
  Guarded<float> dy{std::span<const float>(grad)};
  kernels().pool_pairs_grad({height, width}, dy.data(), chosen.data(), dx.data());
  std::vector<float> expected(pixels.size());
  for (std::size_t i = 0; i < windows; ++i) {
    const std::size_t row = i / static_cast<std::size_t>(columns), column = i % static_cast<std::size_t>(columns);
    std::size_t best = 0, at = 0;
    for (std::size_t p = 0; p < 4; ++p) {
      const std::size_t pixel = (2 * row + p / 2) * static_cast<std::size_t>(width) + 2 * column + p % 2;
      if (p > 0 && !(pixels[pixel] > pixels[best]) && !std::isnan(pixels[pixel])) continue;
      best = pixel;
      at = p;
    }
    REQUIRE(std::bit_cast<std::uint32_t>(y.data()[i]) == std::bit_cast<std::uint32_t>(pixels[best]));
    REQUIRE(chosen.data()[i] == static_cast<float>(at));
    expected[best] = grad[i];
  }
  CHECK(dx.values() == expected);
}

TEST_CASE(
    "pooling by pairs takes the first of the largest pixels or the last NaN, and gives the gradient to it alone") {
  for (const std::int64_t height : {2, 3, 5}) {
    for (std::int64_t width = 2; width < 70; ++width) {
      check_pairs(height, width, uniform(height * width, -1, 1, 21));
      std::vector<float> special;
      for (std::int64_t i = 0; i < height * width; ++i) {
        special.push_back(kSpecial[static_cast<std::size_t>(i * 7 % 11 * i) % kSpecial.size()]);
      }
      check_pairs(height, width, special);
    }
  }
}

TEST_CASE("pooling on a grid is pooling what fake quantization gives, and tells the chosen pixel and what it clamped") {
  const core::FakeQuantGrid grids[] = {
      {0.1F, 0, -7, 7}, {0.013F, -128, -128, 127}, {0.3F, 3, 0, 15}, {0.25F, 0, -8, 7}};
  std::mt19937 random(3);
  for (core::FakeQuantGrid grid : grids) {
    for (const std::int64_t height : {2, 3, 5}) {
      for (std::int64_t width = 2; width < 70; width += width < 20 ? 1 : 7) {
        const auto n = static_cast<std::size_t>(height * width),
                   windows = static_cast<std::size_t>(height / 2 * (width / 2));
        for (const int kind : {0, 1, 2}) {  // within the grid; beyond it; ties, and what is not finite
          std::vector<float> pixels = uniform(height * width, kind == 0 ? -0.5 : -3, kind == 0 ? 0.5 : 3, 9);
          const std::vector<float> ties = beside_ties(grid.scale, grid.low - grid.zero, grid.high - grid.zero, random);
          for (std::size_t i = 0; kind == 2 && i < n; ++i)
            pixels[i] = i % 9 == 4 ? kSpecial[i % kSpecial.size()] : ties[i];
          std::vector<float> snapped(n);
          bool inside = true;
          for (std::int64_t row = 0; row < height; ++row) {
            for (std::int64_t column = 0; column < width; ++column) {
              const auto i = static_cast<std::size_t>(row * width + column);
              const bool within =
                  kernels().fake_quant(1, grid, &pixels[i], &snapped[i]);  // which tests hold to its definition
              if (row / 2 < height / 2 && column / 2 < width / 2) inside = inside && within;
            }
          }
          std::vector<float> y(windows), chosen(windows);
          kernels().pool_pairs({height, width}, snapped.data(), y.data(), chosen.data());
          Guarded<float> x{std::span<const float>(pixels)}, got(windows), at(windows), taken(windows);
          CHECK(kernels().pool_pairs_on_grid({height, width}, grid, x.data(), got.data(), at.data(), taken.data()) ==
                inside);
          CHECK(at.values() == chosen);
          for (std::size_t i = 0; i < windows; ++i) {
            const auto columns = static_cast<std::size_t>(width / 2), pixel = static_cast<std::size_t>(chosen[i]);
            const std::size_t from =
                (2 * (i / columns) + pixel / 2) * static_cast<std::size_t>(width) + 2 * (i % columns) + pixel % 2;
            REQUIRE(std::bit_cast<std::uint32_t>(got.data()[i]) == std::bit_cast<std::uint32_t>(y[i]));
            REQUIRE(std::bit_cast<std::uint32_t>(taken.data()[i]) == std::bit_cast<std::uint32_t>(pixels[from]));
          }
          if (!inside) continue;
          grid.covers = true;
          CHECK(kernels().pool_pairs_on_grid({height, width}, grid, x.data(), got.data(), at.data(), taken.data()));
          grid.covers = false;
          CHECK(got.values() == y);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tempera::test
