// Kernels on operands of any size and content. Oracles: their definitions in kernels/table.hpp and kernels/int_table.hpp, in
// plain loops in double precision, long double or 64-bit integers. Buffers end at pages without access.
#include <doctest/doctest.h>

#if __has_include(<rapidcheck.h>)
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/exact_stairs.hpp"
#include "kernels/int_kernel_checks.hpp"
#include "kernels/support.hpp"
#include "tempera/core/kernels/table.hpp"

namespace tempera::test::properties {
namespace {

using core::kernels;

std::int64_t any(std::int64_t least, std::int64_t most) { return *rc::gen::inRange(least, most + 1); }
bool any_bool() { return any(0, 1) == 1; }
std::uint64_t any_seed() { return static_cast<std::uint64_t>(any(0, 1 << 20)); }
double between(double least, double most) { return least + (most - least) * static_cast<double>(any(0, 1000)) / 1000; }

double d(float x) { return static_cast<double>(x); }

// Whether every value is within `relative` and `absolute` of what it should be, or NaN where that is.
bool all_close(const std::vector<float>& got, const std::vector<double>& exact, double relative, double absolute) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(exact[i]) ? std::isnan(got[i]) : d(got[i]) == exact[i]) continue;
    if (!(std::abs(d(got[i]) - exact[i]) <= absolute + relative * std::abs(exact[i]))) return false;
  }
  return got.size() == exact.size();
}

TEST_CASE("pooling by pairs of any plane, ties and NaN among its pixels, is its definition, and so is its gradient") {
  CHECK(rc::check([] {
    const core::PairPlane plane{any(0, 9), any(0, 90)};
    std::vector<float> pixels = uniform(plane.pixels(), -3, 3, any_seed());
    for (float& p : pixels) p = p > 2.8F ? kNan : std::round(p);
    const std::vector<float> grad = uniform(plane.windows(), 1, 2, any_seed());
    Guarded<float> x(pixels), dy(grad), y(grad.size()), chosen(grad.size()), dx(pixels.size());
    kernels().pool_pairs(plane, x.data(), y.data(), chosen.data());
    kernels().pool_pairs_grad(plane, dy.data(), chosen.data(), dx.data());
    std::vector<double> largest, spread(pixels.size());
    for (std::int64_t window = 0; window < plane.windows(); ++window) {
      const std::int64_t columns = plane.width / 2;
      const std::int64_t corner = window / columns * 2 * plane.width + window % columns * 2;
      std::int64_t best = corner;
      for (const std::int64_t pixel : {corner + 1, corner + plane.width, corner + plane.width + 1}) {
        const float value = pixels[static_cast<std::size_t>(pixel)];
        if (value > pixels[static_cast<std::size_t>(best)] || std::isnan(value)) best = pixel;
      }
      largest.push_back(d(pixels[static_cast<std::size_t>(best)]));
      spread[static_cast<std::size_t>(best)] = d(grad[static_cast<std::size_t>(window)]);
    }
    RC_ASSERT(all_close(y.values(), largest, 0, 0));
    RC_ASSERT(all_close(dx.values(), spread, 0, 0));
  }));
}

TEST_CASE("sums of any numbers are within what rounding explains in any order") {
  CHECK(rc::check([] {
    const std::int64_t rows = any(0, 12), columns = any(0, 150), n = rows * columns;
    const std::vector<float> values = uniform(n, -1, 1, any_seed()), before = uniform(columns, -1, 1, any_seed());
    Guarded<float> x(values), y(before);
    kernels().column_sum(rows, columns, x.data(), y.data());
    double sum = 0, magnitude = 0, squares = 0;
    std::vector<double> by_column(before.begin(), before.end());
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += d(values[i]);
      magnitude += std::abs(d(values[i]));
      squares += d(values[i]) * d(values[i]);
      by_column[i % static_cast<std::size_t>(columns)] += d(values[i]);
    }
    const double unit = kUlp / 2, rounded = static_cast<double>(n + 1) * unit / (1 - static_cast<double>(n + 1) * unit);
    RC_ASSERT(std::abs(d(kernels().sum(n, x.data())) - sum) <= rounded * magnitude);
    RC_ASSERT(std::abs(d(kernels().sum_squares(n, x.data())) - squares) <= rounded * squares);
    RC_ASSERT(all_close(y.values(), by_column, 0, static_cast<double>((rows + 1) * (rows + 1)) * unit));
  }));
}

// Of one row, in double.
struct ExactRow {
  std::vector<double> softmax, logarithm;
  explicit ExactRow(std::span<const float> x) {
    double largest = -std::numeric_limits<double>::infinity(), total = 0;
    for (const float v : x) largest = std::max(largest, d(v));
    for (const float v : x) total += std::exp(d(v) - largest);
    for (const float v : x) {
      softmax.push_back(std::exp(d(v) - largest) / total);
      logarithm.push_back(d(v) - largest - std::log(total));
    }
  }
};

TEST_CASE("softmax, its logarithm and cross-entropy of any rows are their formulas, gradients too") {
  CHECK(rc::check([] {
    const std::int64_t rows = any(0, 9), columns = any(1, 120), n = rows * columns;
    const double shift = between(-100, 100), width = between(0, 20);
    const std::vector<float> logits = uniform(n, shift - width, shift + width, any_seed());
    const std::vector<float> grad = uniform(n, -1, 1, any_seed());
    const double smoothing = any_bool() ? 0.125 : 0;
    std::vector<std::int32_t> labels;
    for (std::int64_t r = 0; r < rows; ++r) labels.push_back(static_cast<std::int32_t>(any(0, columns - 1)));
    Guarded<float> x(logits), dy(grad), p(logits.size()), log_p(logits.size()), dx(logits.size()), loss(labels.size()),
        by_logit(logits.size());
    Guarded<std::int32_t> targets(labels);
    kernels().softmax(rows, columns, x.data(), p.data());
    kernels().log_softmax(rows, columns, x.data(), log_p.data());
    kernels().softmax_grad(rows, columns, dy.data(), p.data(), dx.data());
    kernels().cross_entropy(rows, columns, x.data(), targets.data(), static_cast<float>(smoothing), 0.25F, loss.data(),
                            by_logit.data());
    std::vector<double> softmax, logarithm, by_softmax, losses, by_logits;
    const auto m = static_cast<std::size_t>(columns);
    for (std::size_t r = 0; r < labels.size(); ++r) {
      const ExactRow exact(std::span<const float>(logits).subspan(r * m, m));
      softmax.insert(softmax.end(), exact.softmax.begin(), exact.softmax.end());
      logarithm.insert(logarithm.end(), exact.logarithm.begin(), exact.logarithm.end());
      double dot = 0, entropy = 0;
      for (std::size_t c = 0; c < m; ++c) dot += d(grad[r * m + c]) * exact.softmax[c];
      for (std::size_t c = 0; c < m; ++c) {
        const double one = static_cast<std::int32_t>(c) == labels[r] ? 1 - smoothing : 0;
        const double target = one + smoothing / static_cast<double>(columns);
        entropy -= target * exact.logarithm[c];
        by_softmax.push_back(exact.softmax[c] * (d(grad[r * m + c]) - dot));
        by_logits.push_back(0.25 * (exact.softmax[c] - target));
      }
      losses.push_back(entropy);
    }
    // Of a difference of logits of up to 40, which 24 bits hold, of its exponential, and of a sum of all columns.
    const double near = (2 * 40 + 8 + static_cast<double>(columns)) * kUlp;
    RC_ASSERT(all_close(p.values(), softmax, near, kTiny));
    RC_ASSERT(all_close(log_p.values(), logarithm, kUlp, near));
    RC_ASSERT(all_close(dx.values(), by_softmax, 0, 2 * near));
    RC_ASSERT(all_close(loss.values(), losses, kUlp, 2 * near));
    RC_ASSERT(all_close(by_logit.values(), by_logits, 0, near));
  }));
}

TEST_CASE("fake quantization by any grid is its definition in every bit, its derivative too") {
  CHECK(rc::check([] {
    const auto levels = static_cast<float>(std::int64_t{1} << any(1, 16));
    std::mt19937 random(static_cast<std::mt19937::result_type>(any_seed()));
    core::FakeQuantGrid grid{.scale = any_scale(random)};
    grid.low = any_bool() ? -levels / 2 : 0.0F;
    grid.high = grid.low + levels - 1;
    grid.zero = grid.low + std::floor((levels - 1) * static_cast<float>(between(0, 1)));
    const std::int64_t n = any(0, 200);
    std::vector<float> values = uniform(n, d(2 * grid.low - 9), d(2 * grid.high + 9), any_seed()), expected, derivative;
    for (float& v : values) v = (any_bool() ? std::round(v) / 2 : v) * grid.scale;  // half of them ties
    if (n > 0 && any_bool()) values[static_cast<std::size_t>(n / 2)] = kSpecial[static_cast<std::size_t>(any(0, 26))];
    const std::vector<float> grad = uniform(n, 1, 2, any_seed());
    bool inside = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      // Rounds half to even, in the mode in which every program starts.
      const double q = std::nearbyint(d(values[i] / grid.scale)) + d(grid.zero);
      const bool passes = q >= d(grid.low) && q <= d(grid.high);
      const double clamped = std::clamp(q, d(grid.low), d(grid.high)) - d(grid.zero);
      expected.push_back(std::isnan(q) ? kNan : static_cast<float>(clamped) * grid.scale);
      derivative.push_back(passes ? grad[i] : 0);
      inside = inside && passes;
    }
    Guarded<float> x(values), dy(grad), y(values.size()), dx(values.size());
    RC_ASSERT(kernels().fake_quant(n, grid, x.data(), y.data()) == inside);
    kernels().fake_quant_grad(n, grid, x.data(), dy.data(), dx.data());
    RC_ASSERT(first_far(y.values(), expected, 0, 0) == -1);
    RC_ASSERT(first_far(dx.values(), derivative, 0, 0) == -1);
  }));
}

TEST_CASE("a staircase of sigmoids of any temperature, width and number of steps is the formula") {
  CHECK(rc::check([] {
    const auto steps = static_cast<double>(any(1, 64));
    const core::SigmoidStairs s{.temperature = std::exp2(between(-1, 8)),
                                .width = std::exp2(between(-6, 6)),
                                .height = std::exp2(between(-6, 6)),
                                .middle = static_cast<double>(any(0, static_cast<std::int64_t>(steps))),
                                .steps = steps};
    const std::int64_t n = any(0, 70);
    std::vector<float> positions = uniform(n, -2, steps + 3, any_seed());
    for (float& x : positions) x = static_cast<float>((d(x) - s.middle - 0.5) * s.width);
    Guarded<float> x(positions), y(positions.size()), slope(positions.size());
    kernels().sigmoid_stairs(n, s, x.data(), y.data(), slope.data());
    std::vector<double> values, slopes;
    for (const float at : positions) {
      const ExactStairs exact = exact_stairs(s, at);
      values.push_back(static_cast<double>(exact.y));
      slopes.push_back(static_cast<double>(exact.slope));
    }
    // The worst of a sum of 2·reach floats, in whose exponentials one factor follows another, and of a position with 24 bits
    // after the point, times the temperature; what is typical is in stairs_test.cpp.
    const double reach = std::ceil(28 / s.temperature), terms = std::min(steps, 2 * reach);
    const double near = kUlp * ((reach + 4) * (terms + 5 / s.temperature + 2) + 2 * steps + s.temperature + 4);
    RC_ASSERT(all_close(y.values(), values, 0, s.height * near));
    RC_ASSERT(all_close(slope.values(), slopes, 0, s.height / s.width * s.temperature * near));
  }));
}

TEST_CASE("integer dot products of any extents, gaps, lists and weights are exact modulo 2^32") {
  CHECK(rc::check([] {
    const core::IntKernelTable& t = core::int_kernels();
    std::mt19937 random(static_cast<std::mt19937::result_type>(any_seed()));
    const std::int64_t m = any(1, 3 * t.rows), n = any(1, t.columns), steps = any(0, 70);
    const std::int64_t segments = any(1, 4), gap = any(0, 9);  // bytes: rows begin anywhere
    integer::check_tile<std::int16_t, std::int16_t, 2>(t.dot_pairs, t.columns, m, n, segments, steps, gap, random);
    integer::check_tile<std::int16_t, std::int8_t, 2>(t.dot_pairs_s8, t.columns, m, n, segments, steps, gap, random);
    integer::check_tile<std::int16_t, std::int16_t, 2>(t.dot_pairs, t.columns, m, n, 1, steps, 0, random, t.rows);
    integer::check_sparse_row(t, any(1, 5), any(1, 40), random);
    if (t.dot_quads == nullptr) return;  // below avx512vnni
    integer::check_tile<std::uint8_t, std::int8_t, 4>(t.dot_quads, t.columns, m, n, segments, steps, gap, random);
  }));
}

}  // namespace
}  // namespace tempera::test::properties
#endif
