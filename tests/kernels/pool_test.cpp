// Oracle: the definition in the kernel table, in a plain loop; guard pages watch what is touched.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
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

}  // namespace
}  // namespace tempera::test
