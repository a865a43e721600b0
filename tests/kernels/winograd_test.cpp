// Oracle: the products of matrices that define the transforms (core/kernels/winograd.hpp), in plain loops in double
// precision, and that together they are a convolution; guard pages watch what is read.
#include "tempera/core/kernels/winograd.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "kernels/support.hpp"
#include "support/worse.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test {
namespace {

using core::kernels;
using core::WinogradMatrices;
using Square = std::vector<std::vector<double>>;
using Matrix = std::function<double(int, int)>;

// T·x·Tᵀ with T [out, in].
Square sandwich(const Matrix& t, int out, const Square& x) {
  const int in = static_cast<int>(x.size());
  Square y(static_cast<std::size_t>(out), std::vector<double>(static_cast<std::size_t>(out)));
  for (int r = 0; r < out; ++r) {
    for (int c = 0; c < out; ++c) {
      for (int i = 0; i < in; ++i) {
        for (int j = 0; j < in; ++j) {
          y[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] +=
              t(r, i) * x[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] * t(c, j);
        }
      }
    }
  }
  return y;
}

// F(m, r): m outputs of r taps from `points` products.
struct Algorithm {
  int m, r;
  [[nodiscard]] int points() const { return m + r - 1; }
};

constexpr Algorithm kAlgorithms[] = {{2, 3}, {4, 3}, {2, 5}};

double data(const Algorithm& a, int r, int c) {
  if (a.points() == 4) return WinogradMatrices<2, 3>::kData[r][c];
  return WinogradMatrices<4, 3>::kData[r][c];
}
double filter(const Algorithm& a, int r, int c) {
  if (a.r == 5) return WinogradMatrices<2, 5>::kFilter[r][c];
  return a.m == 4 ? WinogradMatrices<4, 3>::kFilter[r][c] : WinogradMatrices<2, 3>::kFilter[r][c];
}
double output(const Algorithm& a, int r, int c) {
  if (a.r == 5) return WinogradMatrices<2, 5>::kOutput[r][c];
  return a.m == 4 ? WinogradMatrices<4, 3>::kOutput[r][c] : WinogradMatrices<2, 3>::kOutput[r][c];
}

struct Gathering {
  Algorithm a;
  int side;  // of the square
  std::int64_t row;
  bool filters = false;  // contiguous ones
  bool flipped = false;
  void (*kernel)(const core::WinogradGather&) noexcept;
  Matrix by;  // [points, side]
};

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

// Squares overlap: lanes `reach` apart, items one row or one filter.
void check_gather(const Gathering& g, std::int64_t lanes, std::int64_t items) {
  CAPTURE(g.a.m);
  CAPTURE(g.a.r);
  CAPTURE(lanes);
  CAPTURE(items);
  const std::int64_t across = g.filters ? g.side * g.side : g.side, down = g.filters ? across * lanes : g.row;
  const std::int64_t extent = (lanes - 1) * across + (items - 1) * down + (g.side - 1) * g.row + g.side;
  const auto pixels = uniform(extent, -1, 1, 11);
  Guarded<float> x{std::span<const float>(pixels)};
  std::vector<const float*> from;
  std::vector<std::int64_t> offsets;
  for (std::int64_t j = 0; j < lanes; ++j) from.push_back(x.data() + j * across);
  for (std::int64_t i = 0; i < items; ++i) offsets.push_back(i * down);
  const int side = g.a.points(), points = side * side;
  const std::int64_t width = round_up(lanes, kernels().gemm_nr), step = items * width;
  Guarded<float> to(static_cast<std::size_t>(points * step));
  g.kernel({.outputs = g.a.m,
            .taps = g.a.r,
            .lanes = lanes,
            .items = items,
            .from = from.data(),
            .offsets = offsets.data(),
            .row = g.row,
            .flipped = g.flipped,
            .to = to.data(),
            .point_step = step,
            .item_step = width});
  double worst = 0;
  for (std::int64_t i = 0; i < items; ++i) {
    for (std::int64_t j = 0; j < lanes; ++j) {
      Square in(static_cast<std::size_t>(g.side), std::vector<double>(static_cast<std::size_t>(g.side)));
      for (int r = 0; r < g.side; ++r) {
        for (int c = 0; c < g.side; ++c) {
          const std::int64_t at = g.flipped ? (g.side - 1 - r) * g.row + g.side - 1 - c : r * g.row + c;
          in[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] =
              static_cast<double>(pixels[static_cast<std::size_t>(j * across + i * down + at)]);
        }
      }
      const Square expected = sandwich(g.by, side, in);
      for (int p = 0; p < points; ++p) {
        const double value = static_cast<double>(to.data()[p * step + i * width + j]);
        worst = worse(
            worst, std::abs(value - expected[static_cast<std::size_t>(p / side)][static_cast<std::size_t>(p % side)]));
      }
    }
  }
  CHECK(worst < 1e-5);
}

void check_all_gathers(std::int64_t lanes, std::int64_t items) {
  for (const Algorithm& a : kAlgorithms) {
    const Matrix by_data = [&](int r, int c) { return data(a, r, c); };
    const Matrix by_filter = [&](int r, int c) { return filter(a, r, c); };
    const Matrix by_output = [&](int r, int c) { return output(a, c, r); };
    check_gather({.a = a, .side = a.points(), .row = a.m + 7, .kernel = kernels().winograd_data, .by = by_data}, lanes,
                 items);
    for (const bool flipped : {false, true}) {
      check_gather({.a = a,
                    .side = a.r,
                    .row = a.r,
                    .filters = true,
                    .flipped = flipped,
                    .kernel = kernels().winograd_filter,
                    .by = by_filter},
                   lanes, items);
    }
    if (a.points() == 4) continue;
    check_gather({.a = a, .side = a.m, .row = a.m + 5, .kernel = kernels().winograd_gradient, .by = by_output}, lanes,
                 items);
  }
}

// Tiles beside each other in a plane of `width` outputs, the last one cut off; bias and ReLU by turns.
void check_output(const Algorithm& a, std::int64_t lanes, std::int64_t items, std::int64_t height, std::int64_t cut) {
  CAPTURE(a.m);
  CAPTURE(a.r);
  CAPTURE(lanes);
  CAPTURE(items);
  const int m = a.m, side = a.points();
  const std::int64_t points = side * side, stride = round_up(lanes, kernels().gemm_nr);
  const std::int64_t width = lanes * m - cut, plane = height * width;
  const auto sums = uniform(points * items * stride, -1, 1, 12), bias = uniform(items, -1, 1, 13);
  Guarded<float> from{std::span<const float>(sums)}, to(static_cast<std::size_t>(items * plane));
  std::vector<float*> lane;
  std::vector<std::int64_t> offsets, heights(static_cast<std::size_t>(lanes), height), widths;
  for (std::int64_t j = 0; j < lanes; ++j) {
    lane.push_back(to.data() + j * m);
    widths.push_back(std::min<std::int64_t>(m, width - j * m));
  }
  for (std::int64_t i = 0; i < items; ++i) offsets.push_back(i * plane);
  const bool plain = lanes % 2 == 0;
  kernels().winograd_output({.outputs = m,
                             .taps = a.r,
                             .lanes = lanes,
                             .items = items,
                             .from = from.data(),
                             .point_step = items * stride,
                             .item_step = stride,
                             .to = lane.data(),
                             .offsets = offsets.data(),
                             .heights = heights.data(),
                             .widths = widths.data(),
                             .row = width,
                             .bias = plain ? nullptr : bias.data(),
                             .relu = !plain});
  double worst = 0;
  for (std::int64_t i = 0; i < items; ++i) {
    for (std::int64_t j = 0; j < lanes; ++j) {
      Square in(static_cast<std::size_t>(side), std::vector<double>(static_cast<std::size_t>(side)));
      for (std::int64_t p = 0; p < points; ++p) {
        in[static_cast<std::size_t>(p / side)][static_cast<std::size_t>(p % side)] =
            static_cast<double>(sums[static_cast<std::size_t>((p * items + i) * stride + j)]);
      }
      const Square expected = sandwich([&](int r, int c) { return output(a, r, c); }, m, in);
      for (std::int64_t r = 0; r < height; ++r) {
        for (std::int64_t c = 0; c < widths[static_cast<std::size_t>(j)]; ++c) {
          double value = expected[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)];
          if (!plain) value = std::max(0.0, value + static_cast<double>(bias[static_cast<std::size_t>(i)]));
          const float actual = to.data()[i * plane + r * width + j * m + c];
          worst = worse(worst, std::abs(value - static_cast<double>(actual)));
        }
      }
    }
  }
  CHECK(worst < 2e-5);
}

TEST_CASE("Winograd's matrices make a convolution: Aᵀ[(G·g) ⊙ (Bᵀ·d)] is d ⋆ g") {
  for (const Algorithm& a : kAlgorithms) {
    for (int pixel = 0; pixel < a.points(); ++pixel) {
      for (int tap = 0; tap < a.r; ++tap) {
        for (int out = 0; out < a.m; ++out) {
          double sum = 0;
          for (int p = 0; p < a.points(); ++p) sum += output(a, out, p) * filter(a, p, tap) * data(a, p, pixel);
          CHECK(sum == doctest::Approx(out + tap == pixel ? 1 : 0).epsilon(1e-14).scale(1));
        }
      }
    }
  }
}

TEST_CASE("Winograd's transforms of pixels, filters and gradients are products with their matrices") {
  for (const std::int64_t lanes : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33}) {
    for (const std::int64_t items : {1, 2, 5}) check_all_gathers(lanes, items);
  }
}

TEST_CASE(
    "Winograd's outputs are products with their matrix, and nothing is written outside of a tile that is cut off") {
  for (const Algorithm& a : kAlgorithms) {
    for (const std::int64_t lanes : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 32, 33}) {
      for (std::int64_t cut = 0; cut < a.m; ++cut) check_output(a, lanes, 1 + lanes % 3, a.m - cut, cut);
    }
  }
}

TEST_CASE(
    "Winograd's filter gradients are products with the matrix of the filters, and nothing beside them is written") {
  for (const Algorithm& a : {kAlgorithms[1], kAlgorithms[2]}) {
    for (const std::int64_t lanes : {1, 3, 4, 7, 8, 9, 16, 17, 33}) {
      const std::int64_t taps = a.r * a.r;
      const auto sums = uniform(36 * lanes, -1, 1, 15);
      Guarded<float> from{std::span<const float>(sums)}, to(static_cast<std::size_t>(taps * lanes));
      std::vector<float*> filters;
      for (std::int64_t j = 0; j < lanes; ++j) filters.push_back(to.data() + taps * j);
      const std::int64_t here = 0;
      kernels().winograd_filter_gradient({.outputs = a.m,
                                          .taps = a.r,
                                          .lanes = lanes,
                                          .items = 1,
                                          .from = from.data(),
                                          .point_step = lanes,
                                          .item_step = 0,
                                          .to = filters.data(),
                                          .offsets = &here});
      for (std::int64_t j = 0; j < lanes; ++j) {
        Square in(6, std::vector<double>(6));
        for (std::int64_t p = 0; p < 36; ++p) {
          in[static_cast<std::size_t>(p / 6)][static_cast<std::size_t>(p % 6)] =
              static_cast<double>(sums[static_cast<std::size_t>(p * lanes + j)]);
        }
        const Square expected = sandwich([&](int r, int c) { return filter(a, c, r); }, a.r, in);
        for (std::int64_t t = 0; t < taps; ++t) {
          const double value = expected[static_cast<std::size_t>(t / a.r)][static_cast<std::size_t>(t % a.r)];
          REQUIRE(static_cast<double>(to.data()[taps * j + t]) == doctest::Approx(value).epsilon(1e-5).scale(1));
        }
      }
    }
  }
}

TEST_CASE("the product by point is a product of matrices for every number of rows and columns, of both orders of A") {
  const std::int64_t width = kernels().gemm_nr;
  for (std::int64_t m = 1; m <= 2 * kernels().gemm_mr + 1; ++m) {
    for (std::int64_t n = 1; n <= width; ++n) {
      for (const bool unit_row : {false, true}) {
        const std::int64_t k = (m * n) % 11;
        const bool accumulate = (m + n) % 2 == 0;
        const auto a = uniform(m * k, -1, 1, 16), b = uniform(k * width, -1, 1, 17),
                   before = uniform(m * width, -1, 1, 18);
        Guarded<float> left{std::span<const float>(a)}, right{std::span<const float>(b)},
            c{std::span<const float>(before)};
        kernels().winograd_multiply({.m = m,
                                     .n = n,
                                     .k = k,
                                     .a = left.data(),
                                     .a_row = unit_row ? 1 : k,
                                     .a_column = unit_row ? m : 1,
                                     .b = right.data(),
                                     .b_row = width,
                                     .c = c.data(),
                                     .c_row = width,
                                     .accumulate = accumulate});
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            double sum = accumulate ? static_cast<double>(before[static_cast<std::size_t>(i * width + j)]) : 0;
            for (std::int64_t p = 0; p < k; ++p) {
              sum += static_cast<double>(a[static_cast<std::size_t>(unit_row ? p * m + i : i * k + p)]) *
                     static_cast<double>(b[static_cast<std::size_t>(p * width + j)]);
            }
            REQUIRE(static_cast<double>(c.data()[i * width + j]) == doctest::Approx(sum).epsilon(1e-5).scale(1));
          }
        }
      }
    }
  }
}

TEST_CASE("a NaN among the sums by point reaches all outputs of its tile through ReLU, and no other tile") {
  for (const Algorithm& a : kAlgorithms) {
    const int m = a.m, side = a.points();
    const std::int64_t points = side * side, lanes = kernels().gemm_nr, plane = m * m;
    auto sums = uniform(points * lanes, -1, 1, 14);
    // A point whose column of Aᵀ has no 0: that of the value 1 (or −1).
    const int p = side + 1;
    sums[static_cast<std::size_t>(p * lanes + 1)] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(static_cast<std::size_t>(lanes * plane));
    std::vector<float*> to;
    for (std::int64_t j = 0; j < lanes; ++j) to.push_back(y.data() + j * plane);
    const std::vector<std::int64_t> whole(static_cast<std::size_t>(lanes), m), offsets{0};
    kernels().winograd_output({.outputs = m,
                               .taps = a.r,
                               .lanes = lanes,
                               .items = 1,
                               .from = sums.data(),
                               .point_step = lanes,
                               .item_step = lanes,
                               .to = to.data(),
                               .offsets = offsets.data(),
                               .heights = whole.data(),
                               .widths = whole.data(),
                               .row = m,
                               .relu = true});
    for (std::int64_t i = 0; i < lanes * plane; ++i) {
      CHECK(std::isnan(y[static_cast<std::size_t>(i)]) == (i / plane == 1));
    }
  }
}

}  // namespace
}  // namespace tempera::test
