#include <fmt/format.h>

#include <limits>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/pair_pool.hpp"
#include "tempera/core/ops/pool2d_plan.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr const char* kName = "max_pool2d";
using Index = std::int32_t;  // position in a plane

// Written without short cuts, so that the compiler turns it into selections.
struct Best {
  Scalar value;
  Index at;
  void offer(Scalar other, Index position) noexcept {
    const bool better = static_cast<bool>(static_cast<int>(other > value) | static_cast<int>(other != other));
    value = better ? other : value;
    at = better ? position : at;
  }
};

void pool_any(const PoolPlan& plan, const Scalar* in, Scalar* out, Index* at) noexcept {
  for (std::int64_t y = 0; y < plan.out_height; ++y) {
    for (std::int64_t x = 0; x < plan.out_width; ++x) {
      const PoolWindow w = plan.window(y, x);
      const auto first = static_cast<Index>(w.top * plan.width + w.left);
      Best best{in[first], first};
      for (std::int64_t row = w.top; row < w.bottom; ++row) {
        for (std::int64_t column = w.left; column < w.right; ++column) {
          const auto position = static_cast<Index>(row * plan.width + column);
          best.offer(in[position], position);
        }
      }
      out[y * plan.out_width + x] = best.value;
      at[y * plan.out_width + x] = best.at;
    }
  }
}

Tensor spread(const PoolPlan& plan, const Tensor& dy, const Index* at, const Shape& input) {
  Tensor dx(input);
  const Scalar* grad = dy.data();
  Scalar* out = dx.mutable_data();
  parallel_for(plan.planes, plan.grain(), [=, &plan](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      Scalar* to = out + plane * plan.pixels();
      std::fill(to, to + plan.pixels(), Scalar{0});
      const std::int64_t from = plane * plan.outputs();
      for (std::int64_t i = from; i < from + plan.outputs(); ++i) to[at[i]] += grad[i];
    }
  });
  return dx;
}

Variable pool_by_pairs(const Variable& x) {
  PairPool pool = pool_pairs(x.value());
  return record(kName, std::move(pool.y), {x},
                [chosen = std::move(pool.chosen), input = x.shape()](const Tensor& dy, const Needs&) {
                  return Gradients{Gradient(std::make_shared<PairGradient>(dy, chosen, input))};
                });
}

}  // namespace

bool pools_pairs(const Pool2dOptions& o) noexcept {
  using Two = std::array<std::int64_t, 2>;
  return o.size == Two{2, 2} && (o.stride == Two{2, 2} || o.stride == Two{0, 0}) && o.padding == Two{0, 0};
}

Variable max_pool2d(const Variable& x, const Pool2dOptions& options) {
  const Shape shape = pool2d_shape(x.shape(), options);
  if (pools_pairs(options)) return pool_by_pairs(x);
  const PoolPlan plan(x.shape(), shape, options);
  if (plan.pixels() > std::numeric_limits<Index>::max()) {
    throw UnsupportedError(kName, fmt::format("a plane may have at most {} pixels, received {}",
                                              std::numeric_limits<Index>::max(), plan.pixels()));
  }
  Tensor y(shape);
  const Storage chosen(static_cast<std::size_t>(y.numel()) * sizeof(Index));
  const Scalar* in = x.value().data();
  Scalar* out = y.mutable_data();
  auto* at = static_cast<Index*>(chosen.data());
  parallel_for(plan.planes, plan.grain(), [=, &plan](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      pool_any(plan, in + plane * plan.pixels(), out + plane * plan.outputs(), at + plane * plan.outputs());
    }
  });
  return record(kName, std::move(y), {x}, [plan, chosen, input = x.shape()](const Tensor& dy, const Needs&) {
    return Gradients{spread(plan, dy, static_cast<const Index*>(chosen.data()), input)};
  });
}

}  // namespace tempera::core
