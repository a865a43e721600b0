// How far from the exact result an algorithm may be, and which one a pass takes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tempera/core/kernels/winograd.hpp"
#include "tempera/core/ops/conv2d_winograd.hpp"

namespace tempera::core {
namespace {

// max_i Σ_p |last(i, p)|·(Σ_j |a(p, j)|)·(Σ_j |b(p, j)|) over the points p: what the magnitudes of the largest values grow
// to in one direction.
template <int OUT, int POINTS, int A, int B, class Last, class First, class Second>
double amplification(const Last& last, const First& a, const Second& b) noexcept {
  double most = 0;
  for (int i = 0; i < OUT; ++i) {
    double sum = 0;
    for (int p = 0; p < POINTS; ++p) {
      double sum_a = 0, sum_b = 0;
      for (int j = 0; j < A; ++j) sum_a += std::abs(a(p, j));
      for (int j = 0; j < B; ++j) sum_b += std::abs(b(p, j));
      sum += std::abs(last(i, p)) * sum_a * sum_b;
    }
    most = std::max(most, sum);
  }
  return most;
}

struct Growth {
  double amplification;  // in one direction
  double roundings;      // of the transforms, in both
};

// A transform of n values rounds n products and sums, and its coefficients once.
template <int M, int R>
Growth growth(ConvPass pass) noexcept {
  using T = WinogradMatrices<M, R>;
  constexpr int kPoints = M + R - 1;
  const auto filter = [](int p, int j) { return T::kFilter[p][j]; };
  const auto data = [](int p, int j) { return T::kData[p][j]; };
  if (pass == ConvPass::kByWeight) {
    return {amplification<R, kPoints, M, kPoints>([](int i, int p) { return T::kFilter[p][i]; },
                                                  [](int p, int j) { return T::kOutput[j][p]; }, data),
            2.0 * ((kPoints + 1) + (M + 1) + (kPoints + 1))};
  }
  return {
      amplification<M, kPoints, R, kPoints>([](int i, int p) { return T::kOutput[i][p]; }, filter, data),
      2.0 * ((R + 1) + (kPoints + 1) + (kPoints + 1)),
  };
}

double gamma(double roundings) noexcept {
  const double u = std::numeric_limits<Scalar>::epsilon() / 2;
  return roundings * u / (1 - roundings * u);
}

// Estimates of the work in multiply-adds, of a single image so that its bits do not depend on the batch: a tile of the
// product is somewhat short, transforms cost about seven for each point of a square, and those of a filter eleven for each tap.
double direct_work(const ConvPlan& plan) noexcept { return 1.15 * static_cast<double>(plan.flops()) / 2; }

double winograd_work(const ConvPlan& plan, std::int64_t m, ConvPass pass) noexcept {
  const Windows& w = plan.windows;
  const bool by_input = pass == ConvPass::kByInput;
  const std::int64_t tiles =
      ceil_div(by_input ? w.height : w.out_height, m) * ceil_div(by_input ? w.width : w.out_width, m);
  const auto points = static_cast<double>((m + w.kernel_h - 1) * (m + w.kernel_h - 1));
  const auto in = static_cast<double>(w.channels), out = static_cast<double>(plan.outputs);
  const double images = pass == ConvPass::kByWeight ? static_cast<double>(plan.images) : 1;
  const double filters =
      (pass == ConvPass::kByWeight ? 33 / std::min(images, 16.0) : 11) * static_cast<double>(w.rows()) * out;
  return static_cast<double>(tiles) * points * (1.25 * in * out + 7 * (in + out)) + filters;
}

bool fits(const ConvPlan& plan, ConvPass pass) noexcept {
  const Windows& w = plan.windows;
  const bool shape = plan.groups == 1 && (w.kernel_h == 3 || w.kernel_h == 5) && w.kernel_w == w.kernel_h &&
                     w.stride_h == 1 && w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1;
  return shape && plan.images > 0 && (pass != ConvPass::kByInput || std::max(w.padding_h, w.padding_w) < w.kernel_h);
}

std::int64_t terms_of(const ConvPlan& plan, std::int64_t m, ConvPass pass) noexcept {
  const Windows& w = plan.windows;
  if (pass == ConvPass::kForward) return w.channels;
  if (pass == ConvPass::kByInput) return plan.outputs;
  return plan.images * ceil_div(w.out_height, m) * ceil_div(w.out_width, m);
}

bool is_worth_it(const ConvPlan& plan, std::int64_t m, ConvPass pass) noexcept {
  const std::int64_t terms = terms_of(plan, m, pass);
  const std::int64_t taps = plan.windows.kernel_h;
  return conv_error_factor(m, pass, terms, taps) <= kAutoErrorRatio * conv_error_factor(1, pass, terms, taps) &&
         winograd_work(plan, m, pass) < direct_work(plan);
}

}  // namespace

double conv_error_factor(std::int64_t m, ConvPass pass, std::int64_t terms, std::int64_t taps) noexcept {
  const auto count = static_cast<double>(terms);
  if (m == 1) {
    const double pixels = taps == 5 ? 4 : 16;
    const double products = pass == ConvPass::kByWeight ? pixels : static_cast<double>(taps * taps);
    return products * gamma(products * count);
  }
  const Growth g = taps == 5 ? growth<2, 5>(pass) : m == 4 ? growth<4, 3>(pass) : growth<2, 3>(pass);
  return g.amplification * g.amplification * gamma(count + g.roundings);
}

std::int64_t winograd_outputs(const ConvPlan& plan, ConvAlgorithm algorithm, ConvPass pass) noexcept {
  if (algorithm == ConvAlgorithm::kDirect || !fits(plan, pass)) return 1;
  if (plan.windows.kernel_h == 5) return is_worth_it(plan, 2, pass) ? 2 : 1;
  const bool by_weight = pass == ConvPass::kByWeight;  // F(2×2, 3×3) has none
  if (algorithm == ConvAlgorithm::kWinograd4x4) return 4;
  if (algorithm == ConvAlgorithm::kWinograd2x2) return by_weight ? 1 : 2;
  if (is_worth_it(plan, 4, pass)) return 4;
  return !by_weight && is_worth_it(plan, 2, pass) ? 2 : 1;
}

}  // namespace tempera::core
