// Oracle: the definitions in the kernel table, in plain loops in double precision; guard pages watch what is touched.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/support.hpp"
#include "support/worse.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test {
namespace {

using core::FoldPlane;
using core::kernels;
using core::WindowRun;

double fold_pixel(const FoldPlane& f, const std::vector<float>& matrix, std::int64_t y, std::int64_t x) {
  double sum = 0;
  for (std::int64_t tap = 0; tap < f.kernel_h * f.kernel_w; ++tap) {
    const std::int64_t oy = y + f.padding_h - tap / f.kernel_w * f.dilation_h;
    const std::int64_t ox = x + f.padding_w - tap % f.kernel_w * f.dilation_w;
    if (oy < 0 || oy >= f.out_height || ox < 0 || ox >= f.out_width) continue;
    sum += static_cast<double>(matrix[static_cast<std::size_t>((tap * f.out_height + oy) * f.out_width + ox)]);
  }
  return sum;
}

FoldPlane plane_of(std::int64_t out_width, std::int64_t kernel_w, std::int64_t dilation, std::int64_t padding) {
  FoldPlane f{};
  f.out_height = 3;
  f.out_width = out_width;
  f.kernel_h = 2;
  f.kernel_w = kernel_w;
  f.dilation_h = 1;
  f.dilation_w = dilation;
  f.padding_h = 1;
  f.padding_w = padding;
  f.height = f.out_height + f.kernel_h - 1 - 2;
  f.width = out_width + dilation * (kernel_w - 1) - 2 * padding;
  return f;
}

void check_fold(const FoldPlane& f) {
  CAPTURE(f.width);
  CAPTURE(f.kernel_w);
  CAPTURE(f.padding_w);
  const auto matrix = uniform(f.kernel_h * f.kernel_w * f.out_height * f.out_width, -1, 1, 3);
  Guarded<float> in{std::span<const float>(matrix)};
  Guarded<float> out(static_cast<std::size_t>(f.height * f.width));
  kernels().conv_fold(f, in.data(), out.data());
  double worst = 0;
  for (std::int64_t y = 0; y < f.height; ++y) {
    for (std::int64_t x = 0; x < f.width; ++x) {
      worst = worse(worst, std::abs(static_cast<double>(out.data()[y * f.width + x]) - fold_pixel(f, matrix, y, x)));
    }
  }
  CHECK(worst < 1e-5);
}

void check_gather(std::int64_t m, std::int64_t n, std::int64_t k, bool accumulate) {
  const std::int64_t width = kernels().gemm_nr;
  std::vector<std::int64_t> rows, steps;
  for (std::int64_t i = 0; i < m; ++i) rows.push_back(i * 7 % (m + 2));
  for (std::int64_t p = 0; p < k; ++p) steps.push_back(p / 3 * 5 + p % 3);
  const std::int64_t last = *std::ranges::max_element(rows) + (k == 0 ? 0 : steps.back());
  const auto image = uniform(last + 1, -1, 1, 1), panel = uniform(k * width, -1, 1, 2);
  const auto before = uniform(m * n, -1, 1, 4);
  Guarded<float> a{std::span<const float>(image)}, b{std::span<const float>(panel)}, c{std::span<const float>(before)};
  kernels().conv_gather({.m = m,
                         .n = n,
                         .k = k,
                         .a = a.data(),
                         .rows = rows.data(),
                         .steps = steps.data(),
                         .b = b.data(),
                         .c = c.data(),
                         .c_row = n,
                         .accumulate = accumulate});
  for (std::int64_t i = 0; i < m * n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    double sum = accumulate ? static_cast<double>(before[at]) : 0;
    for (std::int64_t p = 0; p < k; ++p) {
      const std::int64_t pixel = rows[at / static_cast<std::size_t>(n)] + steps[static_cast<std::size_t>(p)];
      sum += static_cast<double>(image[static_cast<std::size_t>(pixel)]) *
             static_cast<double>(panel[static_cast<std::size_t>(p * width + i % n)]);
    }
    REQUIRE(static_cast<double>(c.data()[i]) == doctest::Approx(sum).epsilon(1e-5).scale(1));
  }
}

void check_windows(std::int64_t m, std::int64_t vectors, std::int64_t k, bool with_bias) {
  const std::int64_t lanes = kernels().conv_lanes, n = vectors * lanes;
  std::vector<std::int64_t> offsets;
  for (std::int64_t p = 0; p < k; ++p) offsets.push_back(p / 3 * 7 + p % 3);
  const std::int64_t step = lanes + 2, largest = k == 0 ? 0 : offsets.back();
  const auto image = uniform((vectors - 1) * step + largest + lanes, -1, 1, 1);
  const auto weight = uniform(m * (k + 1), -1, 1, 2), bias = uniform(m, -1, 1, 3);
  const std::vector<float> before(static_cast<std::size_t>(m * n), 7.0F);
  Guarded<float> x{std::span<const float>(image)}, a{std::span<const float>(weight)}, c{std::span<const float>(before)};
  std::vector<const float*> columns;
  std::vector<std::int64_t> to;
  for (std::int64_t v = 0; v < vectors; ++v) {
    columns.push_back(x.data() + v * step);
    to.push_back((vectors - 1 - v) * lanes);
  }
  kernels().conv_windows({.m = m,
                          .n = n,
                          .k = k,
                          .a = a.data(),
                          .a_row = k + 1,
                          .offsets = offsets.data(),
                          .columns = columns.data(),
                          .to = to.data(),
                          .c = c.data(),
                          .c_row = n,
                          .row_bias = with_bias ? bias.data() : nullptr,
                          .relu = with_bias});
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = with_bias ? static_cast<double>(bias[static_cast<std::size_t>(i)]) : 0;
      for (std::int64_t p = 0; p < k; ++p) {
        const std::int64_t pixel = j / lanes * step + j % lanes + offsets[static_cast<std::size_t>(p)];
        sum += static_cast<double>(image[static_cast<std::size_t>(pixel)]) *
               static_cast<double>(weight[static_cast<std::size_t>(i * (k + 1) + p)]);
      }
      if (with_bias) sum = std::max(sum, 0.0);
      const float stored = c.data()[i * n + to[static_cast<std::size_t>(j / lanes)] + j % lanes];
      REQUIRE(static_cast<double>(stored) == doctest::Approx(sum).epsilon(1e-5).scale(1));
    }
  }
}

void check_taps(core::TapPlane t) {
  CAPTURE(t.width);
  CAPTURE(t.k);
  std::vector<std::int64_t> offsets;
  for (std::int64_t p = 0; p < t.k; ++p) offsets.push_back(p / 3 * 5 + p % 3);
  t.offsets = offsets.data();
  t.image_row = t.width + 2;
  const std::int64_t pixels = offsets.back() + (t.height - 1) * t.image_row + t.width;
  const auto grads = uniform(t.height * t.width, -1, 1, 1),
             image = uniform(std::max<std::int64_t>(0, pixels), -1, 1, 2);
  const auto before = uniform(t.k, -1, 1, 3);
  Guarded<float> dy{std::span<const float>(grads)}, x{std::span<const float>(image)},
      sums{std::span<const float>(before)};
  t.dy = dy.data();
  t.image = x.data();
  t.sums = sums.data();
  kernels().conv_taps(t);
  for (std::int64_t p = 0; p < t.k; ++p) {
    auto sum = static_cast<double>(before[static_cast<std::size_t>(p)]);
    for (std::int64_t i = 0; i < t.height * t.width; ++i) {
      const std::int64_t pixel = offsets[static_cast<std::size_t>(p)] + i / t.width * t.image_row + i % t.width;
      sum += static_cast<double>(grads[static_cast<std::size_t>(i)]) *
             static_cast<double>(image[static_cast<std::size_t>(pixel)]);
    }
    REQUIRE(static_cast<double>(t.sums[p]) == doctest::Approx(sum).epsilon(1e-5).scale(1));
  }
}

}  // namespace

TEST_CASE("the tile of windows reads pixels where its vectors and offsets point, for every size of tile") {
  for (std::int64_t m = 1; m <= kernels().gemm_mr; ++m) {
    for (std::int64_t vectors = 1; vectors * kernels().conv_lanes <= kernels().gemm_nr; ++vectors) {
      check_windows(m, vectors, 1 + (m * vectors) % 11, m % 2 == 0);
    }
  }
  for (std::int64_t vectors = 1; vectors <= core::kSingleRowVectors; ++vectors) {
    check_windows(1, vectors, 9 + vectors, vectors % 2 == 0);
  }
  check_windows(kernels().gemm_mr, 1, 0, true);
}

TEST_CASE("the sums of taps are those of the gradient and the pixels that each tap meets, for every width") {
  for (std::int64_t width = 0; width <= 4 * kernels().conv_lanes + 1; ++width) {
    for (const std::int64_t k : {1, 3, 8, 9, 10, 25}) check_taps({.height = 3, .width = width, .k = k});
  }
  check_taps({.height = 0, .width = 5, .k = 9});
}

TEST_CASE("folding sums every element of the matrix of windows into the pixel it stands for") {
  for (const std::int64_t width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 33}) {
    for (const std::int64_t kernel : {1, 2, 3, 5, 6, 11}) {
      check_fold(plane_of(width, kernel, 1, 0));
      if (kernel > 1) check_fold(plane_of(width + 2, kernel, 2, 1));
    }
  }
}

TEST_CASE("the gathering tile multiplies what its offsets point at, for every size of tile") {
  for (std::int64_t m = 1; m <= kernels().gemm_mr; ++m) {
    for (std::int64_t n = 1; n <= kernels().gemm_nr; ++n) check_gather(m, n, 1 + (m * n) % 11, (m + n) % 2 == 0);
  }
  check_gather(kernels().gemm_mr, kernels().gemm_nr, 0, true);
}

TEST_CASE("packing windows copies runs of any length to their columns and writes nothing else") {
  const std::int64_t width = kernels().gemm_nr;
  const std::vector<std::int64_t> offsets{0, 3, 1, 9, 40};
  for (std::int64_t cut = 0; cut < width; ++cut) {
    const std::vector<WindowRun> runs{{.to = 0, .from = 2, .count = cut},
                                      {.to = cut + 1, .from = 5, .count = width - cut - 1}};
    const auto image = uniform(40 + std::max(2 + cut, 5 + width - cut - 1), -1, 1, 5);
    std::vector<float> expected(offsets.size() * static_cast<std::size_t>(width), 7.0F);
    Guarded<float> in{std::span<const float>(image)}, panel{std::span<const float>(expected)};
    for (std::size_t p = 0; p < offsets.size(); ++p) {
      for (const WindowRun& run : runs) {
        for (std::int64_t i = 0; i < run.count; ++i) {
          expected[p * static_cast<std::size_t>(width) + static_cast<std::size_t>(run.to + i)] =
              image[static_cast<std::size_t>(offsets[p] + run.from + i)];
        }
      }
    }
    kernels().conv_pack(static_cast<std::int64_t>(offsets.size()), offsets.data(), 2, runs.data(), in.data(),
                        panel.data());
    CHECK(panel.values() == expected);
  }
}

}  // namespace tempera::test
