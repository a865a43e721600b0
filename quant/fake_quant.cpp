#include "tempera/quant/fake_quant.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <type_traits>
#include <utility>

#include "tempera/core/kernels/table.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

core::FakeQuantGrid grid_of(const QParams& params, std::size_t slot) noexcept {
  return {.scale = static_cast<Scalar>(params.scale[slot]),
          .zero = static_cast<Scalar>(params.zero_point[slot]),
          .low = static_cast<Scalar>(params.qmin),
          .high = static_cast<Scalar>(params.qmax)};
}

// Division and rounding keep order: what holds at both ends holds between them. Ranges are float32, and those of doubles may be
// narrower than the values.
bool covers(const core::FakeQuantGrid& grid, Range range) noexcept {
  if constexpr (std::is_same_v<Scalar, double>) return false;
  const Scalar low = std::nearbyint(static_cast<Scalar>(range.low) / grid.scale) + grid.zero;
  const Scalar high = std::nearbyint(static_cast<Scalar>(range.high) / grid.scale) + grid.zero;
  return low >= grid.low && high <= grid.high;
}

// Rounds down, and up with the probability of the distance.
double stochastic(double x, const core::Random& random, std::int64_t index) noexcept {
  const double below = std::floor(x);
  return below + (random.uniform(static_cast<std::uint64_t>(index)) < x - below ? 1 : 0);
}

Scalar snapped(Scalar x, const core::FakeQuantGrid& grid, Rounding rounding, const core::Random* random,
               std::int64_t index) noexcept {
  const auto ratio = static_cast<double>(x / grid.scale);
  const double rounded = rounding == Rounding::kStochastic && random != nullptr ? stochastic(ratio, *random, index)
                                                                                : round_to(ratio, rounding);
  double q = rounded + static_cast<double>(grid.zero);
  if (q < static_cast<double>(grid.low)) q = static_cast<double>(grid.low);
  if (q > static_cast<double>(grid.high)) q = static_cast<double>(grid.high);
  return (static_cast<Scalar>(q) - grid.zero) * grid.scale;
}

// Steps of unequal width: the staircase by its thresholds.
void stepped(const Tensor& x, const QParams& params, Tensor& y) {
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  core::parallel_for(x.numel(), kRunGrain, [&, from, to](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto value = static_cast<float>(from[i]);
      to[i] = std::isnan(value) ? from[i] : static_cast<Scalar>(params.dequantize(params.quantize(value)));
    }
  });
}

// As rounding has it with equal steps, a value may lie half a step outside of the outermost threshold.
Tensor clipped_by_thresholds(const Tensor& dy, const Tensor& x, const QParams& params) {
  const std::vector<float>& at = params.thresholds;
  const auto gaps = static_cast<float>(std::max<std::size_t>(1, at.size() - 1));
  const float half = at.size() == 1 ? params.scale[0] / 2 : (at.back() - at.front()) / (2 * gaps);
  const auto low = static_cast<Scalar>(at.front() - half), high = static_cast<Scalar>(at.back() + half);
  Tensor dx(x.shape());
  const Scalar *from = x.data(), *grad = dy.data();
  Scalar* to = dx.mutable_data();
  core::parallel_for(x.numel(), kRunGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = from[i] >= low && from[i] <= high ? grad[i] : Scalar{0};
  });
  return dx;
}

// The decision is made on the integer that rounding half to even gives, whatever rounding the forward uses: the two differ
// at the outermost half step alone.
Tensor clipped(const Tensor& dy, const Tensor& x, const QParams& params) {
  if (!params.thresholds.empty()) return clipped_by_thresholds(dy, x, params);
  Tensor dx(x.shape());
  Scalar* to = dx.mutable_data();
  each_run(x.shape(), params, [&](std::int64_t begin, std::int64_t end, std::size_t slot) {
    core::kernels().fake_quant_grad(end - begin, grid_of(params, slot), x.data() + begin, dy.data() + begin,
                                    to + begin);
  });
  return dx;
}

struct Quantized {
  Tensor values;
  bool inside = false;  // known to be without a clipped value
};

Quantized quantized(const Tensor& x, const QParams& params, const core::Random* random, const RangeOfRun& range_of) {
  Tensor y(x.shape());
  if (!params.thresholds.empty()) {
    stepped(x, params, y);
    return {std::move(y)};
  }
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  const bool plain =
      params.rounding == Rounding::kHalfEven || (params.rounding == Rounding::kStochastic && random == nullptr);
  std::atomic<bool> inside = plain;
  each_run(x.shape(), params, [&](std::int64_t begin, std::int64_t end, std::size_t slot) {
    const Range range = range_of ? range_of(slot, {from + begin, static_cast<std::size_t>(end - begin)}) : Range{};
    core::FakeQuantGrid grid = grid_of(params, slot);
    grid.covers = range_of && covers(grid, range);
    if (!plain) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = snapped(from[i], grid, params.rounding, random, i);
    } else if (!core::kernels().fake_quant(end - begin, grid, from + begin, to + begin)) {
      inside.store(false, std::memory_order_relaxed);
    }
  });
  return {std::move(y), inside.load()};
}

}  // namespace

core::Tensor fake_quantized(const Tensor& x, const QParams& params, const core::Random* random) {
  return quantized(x, params, random, {}).values;
}

core::Variable fake_quant(const core::Variable& x, const QParams& params, Surrogate surrogate,
                          const core::Random* random, const RangeOfRun& range_of) {
  auto [y, inside] = quantized(x.value(), params, random, range_of);
  // A range that was just observed clips nothing, as a rule: there is nothing to hold back and no pass to make.
  if (surrogate == Surrogate::kIdentity || inside) {
    return core::record_straight_through("fake_quant", std::move(y), x);
  }
  if (!core::grad_enabled()) return core::Variable(std::move(y));
  return core::record("fake_quant", std::move(y), {x},
                      [kept = x.value(), params](const Tensor& dy, const core::Needs&) {
                        return core::Gradients{clipped(dy, kept, params)};
                      });
}

}  // namespace tempera::quant
