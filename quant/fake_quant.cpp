#include "tempera/quant/fake_quant.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <type_traits>
#include <utility>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/pair_pool.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/scaled_bytes.hpp"
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

// As the kernels round.
bool rounds_plainly(const QParams& params, const core::Random* random) noexcept {
  return params.rounding == Rounding::kHalfEven || (params.rounding == Rounding::kStochastic && random == nullptr);
}

// Rows of a matrix with a scale each, and integers of a byte.
bool fits_bytes(const core::Shape& shape, const QParams& params) noexcept {
  return shape.rank() == 2 && shape[0] > 1 && params.granularity == Granularity::kChannel &&
         std::ssize(params.scale) == shape[0] && params.symmetric() && params.qmin >= -128 && params.qmax <= 127;
}

struct Quantized {
  core::LazyTensor values;
  bool inside = false;  // known to be without a clipped value
};

// Fake quantization of the runs of a tensor by the kernels' rounding, or any other.
class RunSnapper {
 public:
  RunSnapper(const Tensor& x, const QParams& params, const core::Random* random, const RangeOfRun& range_of)
      : x_(x.data()),
        params_(params),
        random_(random),
        range_of_(range_of),
        plain_(rounds_plainly(params, random)),
        inside_(plain_) {}

  void to(Tensor& y) { y_ = y.mutable_data(); }
  void to(const core::ScaledBytes& bytes) {
    bytes_ = bytes.bytes();
    scales_ = bytes.scales();
  }

  void run(const core::Shape& shape) {
    if (params_.scale.size() == 1) {
      return each_run(shape, params_, [&](std::int64_t begin, std::int64_t end, std::size_t slot) {
        snap(grid({begin, end}, slot), {begin, end}, 0);
      });
    }
    each_share_of_runs(shape, params_, [&](const RunLengths& runs, std::int64_t first, std::int64_t last) {
      runs.length > kNear ? one_by_one(runs, first, last) : ahead(runs, first, last);
    });
  }
  [[nodiscard]] bool inside() const noexcept { return inside_.load(); }

 private:
  static constexpr std::int64_t kNear = 2048;  // values, of which three times as many stay in the first cache

  [[nodiscard]] core::FakeQuantGrid grid(RunBounds run, std::size_t slot) const {
    if (!range_of_) return grid_of(params_, slot);
    const Range range = range_of_(slot, {x_ + run.begin, static_cast<std::size_t>(run.end - run.begin)});
    core::FakeQuantGrid grid = grid_of(params_, slot);
    grid.covers = covers(grid, range);
    return grid;
  }

  void one_by_one(const RunLengths& runs, std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const RunBounds run = run_of(runs, r);
      snap(grid(run, static_cast<std::size_t>(r)), run, r);
    }
  }

  // From a range to its scale is a chain of divisions, during which the processor quantizes the run before.
  void ahead(const RunLengths& runs, std::int64_t first, std::int64_t last) {
    RunBounds run = run_of(runs, first);
    core::FakeQuantGrid of_run = grid(run, static_cast<std::size_t>(first));
    for (std::int64_t r = first + 1; r < last; ++r) {
      const RunBounds next = run_of(runs, r);
      const core::FakeQuantGrid of_next = grid(next, static_cast<std::size_t>(r));
      snap(of_run, run, r - 1);
      run = next;
      of_run = of_next;
    }
    snap(of_run, run, last - 1);
  }

  void snap(const core::FakeQuantGrid& grid, RunBounds run, std::int64_t r) {
    if (bytes_ != nullptr) {
      scales_[r] = grid.scale;
      note(core::kernels().fake_quant_bytes(run.end - run.begin, grid, x_ + run.begin, bytes_ + run.begin));
    } else if (!plain_) {
      for (std::int64_t i = run.begin; i < run.end; ++i) y_[i] = snapped(x_[i], grid, params_.rounding, random_, i);
    } else {
      note(core::kernels().fake_quant(run.end - run.begin, grid, x_ + run.begin, y_ + run.begin));
    }
  }

  void note(bool inside) noexcept {
    if (!inside) inside_.store(false, std::memory_order_relaxed);
  }

  const Scalar* x_;
  Scalar* y_ = nullptr;
  std::int8_t* bytes_ = nullptr;  // instead of y
  Scalar* scales_ = nullptr;
  const QParams& params_;
  const core::Random* random_;
  const RangeOfRun& range_of_;
  bool plain_;
  std::atomic<bool> inside_;
};

Quantized quantized(const Tensor& x, const QParams& params, const core::Random* random, const RangeOfRun& range_of,
                    bool bytes) {
  if (!params.thresholds.empty()) {
    Tensor y(x.shape());
    stepped(x, params, y);
    return {std::move(y)};
  }
  RunSnapper runs(x, params, random, range_of);
  core::LazyTensor y;
  if (bytes && range_of && fits_bytes(x.shape(), params) && rounds_plainly(params, random)) {
    auto all = std::make_shared<core::ScaledBytes>(x.dim(0), x.dim(1));
    runs.to(*all);
    y = core::LazyTensor(std::move(all));
  } else {
    y = Tensor(x.shape());
    runs.to(y.made());
  }
  runs.run(x.shape());
  return {std::move(y), runs.inside()};
}

}  // namespace

core::Tensor fake_quantized(const Tensor& x, const QParams& params, const core::Random* random) {
  return quantized(x, params, random, {}, false).values;
}

core::Variable fake_quant(const core::Variable& x, const QParams& params, Surrogate surrogate,
                          const core::Random* random, const RangeOfRun& range_of, bool bytes) {
  auto [y, inside] = quantized(x.value(), params, random, range_of, bytes);
  // A range that was just observed clips nothing, as a rule: there is nothing to hold back and no pass to make.
  if (surrogate == Surrogate::kIdentity || inside) {
    return core::record_straight_through("fake_quant", std::move(y), x);
  }
  return core::record("fake_quant", std::move(y), {x},
                      [kept = x.value(), params](const Tensor& dy, const core::Needs&) {
                        return core::Gradients{clipped(dy, kept, params)};
                      });
}

core::Variable fake_quant_pooled_pairs(const core::Variable& x, const QParams& params, Surrogate surrogate,
                                       const core::Random* random, std::optional<Range> range) {
  if (params.scale.size() != 1 || !params.thresholds.empty() || !rounds_plainly(params, random)) {
    RangeOfRun range_of;
    if (range) range_of = [all = *range](std::size_t, std::span<const Scalar>) { return all; };
    return core::max_pool2d(fake_quant(x, params, surrogate, random, range_of));
  }
  core::FakeQuantGrid grid = grid_of(params, 0);
  grid.covers = range && covers(grid, *range);
  auto [pool, taken, inside] = core::pool_pairs_on_grid(x.value(), grid);
  const bool clips = surrogate == Surrogate::kClipped && !inside;
  return core::record("fake_quant", std::move(pool.y), {x},
                      [x = x.value(), chosen = std::move(pool.chosen), taken = std::move(taken), params, clips](
                          const Tensor& dy, const core::Needs&) {
                        return core::Gradients{core::Gradient(std::make_shared<core::PairGradient>(
                            clips ? clipped(dy, taken, params) : dy, chosen, x.shape(), x, taken))};
                      });
}

}  // namespace tempera::quant
