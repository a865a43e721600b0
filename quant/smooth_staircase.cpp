#include "tempera/quant/smooth_staircase.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

// Steps that are somewhere. Positions are counted in steps.
struct Stairs {
  double temperature = 1;      // T
  double origin = 0.5;         // position of x = 0
  std::vector<double> at;      // of biases, rising; empty: midpoints
  std::vector<int> bias;       // which of them each is
  std::vector<double> factor;  // e^(T·gap) to the next one
};

struct Point {
  double sum = 0;    // Σ σ
  double slope = 0;  // Σ σ(1 − σ)
};

struct Sigmoid {
  double value, slope;
};

// Calls fn(k, sigmoid) for the biases near a position; returns how many lie below them. Within the reach no factor, and no
// product of them, leaves e^±(2·reach).
template <class Fn>
std::size_t over_biases(double position, const Stairs& stairs, Fn fn) noexcept {
  const double reach = core::kSigmoidReach / stairs.temperature;
  const auto begin = std::ranges::lower_bound(stairs.at, position - reach);
  const auto first = static_cast<std::size_t>(begin - stairs.at.begin());
  if (begin == stairs.at.end()) return first;
  double e = std::exp(stairs.temperature * (*begin - position));
  for (std::size_t k = first; k < stairs.at.size() && stairs.at[k] <= position + reach; ++k) {
    const double sigma = 1 / (1 + e);
    fn(k, Sigmoid{sigma, sigma * (1 - sigma)});
    e *= stairs.factor[k];
  }
  return first;
}

Point at(double position, const Stairs& stairs) noexcept {
  if (std::isnan(position)) return {position, position};  // which no comparison would tell
  Point point;
  const std::size_t below = over_biases(position, stairs, [&](std::size_t /*k*/, const Sigmoid& step) {
    point.sum += step.value;
    point.slope += step.slope;
  });
  point.sum += static_cast<double>(below);
  return point;
}

double held(const core::Variable& number) { return std::max(static_cast<double>(number.value().item()), 1e-8); }

Stairs stairs_of(const Staircase& s, double temperature) {
  Stairs stairs{.temperature = temperature, .origin = s.middle + 0.5, .at = {}, .bias = {}, .factor = {}};
  if (s.biases.empty()) return stairs;
  const std::span<const Scalar> b = s.biases.value().values();
  stairs.bias.resize(b.size());
  std::iota(stairs.bias.begin(), stairs.bias.end(), 0);
  std::ranges::stable_sort(stairs.bias, {}, [&](int i) { return b[static_cast<std::size_t>(i)]; });
  for (const int i : stairs.bias) {
    stairs.at.push_back(static_cast<double>(b[static_cast<std::size_t>(i)]) / s.unit + stairs.origin);
  }
  for (std::size_t k = 0; k < stairs.at.size(); ++k) {
    const double next = stairs.at[std::min(k + 1, stairs.at.size() - 1)];
    stairs.factor.push_back(std::exp(temperature * (next - stairs.at[k])));
  }
  return stairs;
}

// Of a piece of the elements, for the output gradient g.
struct SlopeSums {
  double of_value = 0;         // Σ g·y
  double of_slope = 0;         // Σ g·x·dy/dx
  std::vector<double> biases;  // Σ g·σ_k(1 − σ_k), in rising order

  void add(const SlopeSums& more) {
    of_value += more.of_value;
    of_slope += more.of_slope;
    biases.resize(std::max(biases.size(), more.biases.size()));
    for (std::size_t k = 0; k < more.biases.size(); ++k) biases[k] += more.biases[k];
  }
};

struct Saved {
  Tensor x, y, slope;  // slope: dy/dx
  Stairs stairs;
  bool tied = true;
  double alpha, range, delta, width, unit;
};

void on_midpoints(std::int64_t n, const Staircase& s, double temperature, const Scalar* x, Scalar* y, Scalar* slope) {
  const bool fast = temperature >= core::kLeastStairsTemperature && temperature <= core::kMostStairsTemperature;
  const core::KernelTable& kernels = fast ? core::kernels() : core::kernels_of(core::Isa::kScalar);
  kernels.sigmoid_stairs(n,
                         {.temperature = temperature,
                          .width = s.width(),
                          .height = s.delta(),
                          .middle = static_cast<double>(s.middle),
                          .steps = static_cast<double>(s.steps)},
                         x, y, slope);
}

void on_biases(std::int64_t n, const Saved& saved, std::int32_t middle, const Scalar* x, Scalar* y, Scalar* slope) {
  const double steepness = saved.delta / saved.width * saved.stairs.temperature;
  for (std::int64_t i = 0; i < n; ++i) {
    const Point point = at(static_cast<double>(x[i]) / saved.width + saved.stairs.origin, saved.stairs);
    y[i] = static_cast<Scalar>(saved.delta * (point.sum - middle));
    slope[i] = static_cast<Scalar>(steepness * point.slope);
  }
}

// Writes dx.
SlopeSums gradients(const Saved& saved, const Tensor& dy, bool of_biases, Tensor& dx) {
  const Scalar *x = saved.x.data(), *y = saved.y.data(), *slope = saved.slope.data(), *g = dy.data();
  Scalar* to = dx.mutable_data();
  return core::parallel_reduce(
      dy.numel(), of_biases ? kRunGrain / 8 : kRunGrain, SlopeSums{},
      [&, x, y, slope, g, to](std::int64_t begin, std::int64_t end) {
        SlopeSums sums;
        if (of_biases) sums.biases.resize(saved.stairs.at.size());
        for (std::int64_t i = begin; i < end; ++i) {
          const auto grad = static_cast<double>(g[i]);
          to[i] = g[i] * slope[i];
          sums.of_value += grad * static_cast<double>(y[i]);
          sums.of_slope += grad * static_cast<double>(slope[i]) * static_cast<double>(x[i]);
          if (!of_biases) continue;
          over_biases(static_cast<double>(x[i]) / saved.width + saved.stairs.origin, saved.stairs,
                      [&](std::size_t k, const Sigmoid& step) { sums.biases[k] += grad * step.slope; });
        }
        return sums;
      },
      [](SlopeSums all, const SlopeSums& more) {
        all.add(more);
        return all;
      });
}

Tensor one(double value) { return Tensor({1}, {static_cast<Scalar>(value)}); }

core::Gradients backward(const Saved& saved, const Tensor& dy, const core::Needs& needs) {
  Tensor dx(saved.x.shape());
  const SlopeSums sums = gradients(saved, dy, needs[3], dx);
  // y = δ·(S(x/w) − m): by δ it grows as y/δ, by w as −x/w·dy/dx; tied, both are α.
  const double by_alpha = (sums.of_value - (saved.tied ? sums.of_slope : 0)) / saved.alpha;
  core::Gradients result{dx, one(by_alpha), needs[2] ? one(-sums.of_slope / saved.range) : Tensor(), Tensor()};
  if (!needs[3]) return result;
  Tensor biases({static_cast<std::int64_t>(saved.stairs.bias.size())});
  const double factor = -saved.delta * saved.stairs.temperature / saved.unit;
  for (std::size_t k = 0; k < saved.stairs.bias.size(); ++k) {
    biases.mutable_values()[static_cast<std::size_t>(saved.stairs.bias[k])] =
        static_cast<Scalar>(factor * sums.biases[k]);
  }
  result[3] = biases;
  return result;
}

}  // namespace

double Staircase::delta() const { return held(alpha) / top; }
double Staircase::width() const { return held(range.empty() ? alpha : range) / top; }

std::vector<float> Staircase::thresholds() const {
  constexpr double kMost = std::numeric_limits<float>::max();
  std::vector<float> result;
  for (std::int32_t i = 0; i < steps; ++i) {
    const double bias = biases.empty()
                            ? i - middle + 0.5
                            : static_cast<double>(biases.value().values()[static_cast<std::size_t>(i)]) / unit;
    result.push_back(static_cast<float>(std::clamp(bias * width(), -kMost, kMost)));
  }
  std::ranges::stable_sort(result);
  return result;
}

core::Variable smooth_staircase(const core::Variable& x, const Staircase& staircase, double temperature) {
  Tensor y(x.shape()), slope(x.shape());
  auto saved = std::make_shared<Saved>(Saved{.x = x.value(),
                                             .y = {},
                                             .slope = {},
                                             .stairs = stairs_of(staircase, temperature),
                                             .tied = staircase.range.empty(),
                                             .alpha = held(staircase.alpha),
                                             .range = held(staircase.range.empty() ? staircase.alpha : staircase.range),
                                             .delta = staircase.delta(),
                                             .width = staircase.width(),
                                             .unit = staircase.unit});
  const Scalar* in = x.value().data();
  Scalar* out = y.mutable_data();
  Scalar* by = slope.mutable_data();
  core::parallel_for(x.value().numel(), kRunGrain / 8, [&, in, out, by](std::int64_t begin, std::int64_t end) {
    if (staircase.biases.empty()) {
      on_midpoints(end - begin, staircase, temperature, in + begin, out + begin, by + begin);
    } else {
      on_biases(end - begin, *saved, staircase.middle, in + begin, out + begin, by + begin);
    }
  });
  saved->y = y;
  saved->slope = slope;
  return core::record("smoothed_sigmoid", y, {x, staircase.alpha, staircase.range, staircase.biases},
                      [saved](const Tensor& dy, const core::Needs& needs) { return backward(*saved, dy, needs); });
}

}  // namespace tempera::quant
