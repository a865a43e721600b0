#include <limits>

#include "tempera/core/ops/pool2d_plan.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

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

// Windows of 2 × 2 pixels next to each other, without padding: most of all poolings.
void pool_pairs(const PoolPlan& plan, const Scalar* __restrict in, Scalar* __restrict out,
                Index* __restrict at) noexcept {
  const auto columns = static_cast<Index>(plan.out_width);
  for (std::int64_t y = 0; y < plan.out_height; ++y, out += columns, at += columns) {
    const auto upper = static_cast<Index>(2 * y * plan.width), lower = static_cast<Index>(upper + plan.width);
    const Scalar* above = in + upper;
    const Scalar* below = in + lower;
    for (Index x = 0; x < columns; ++x) {
      Best best{above[2 * x], upper + 2 * x};
      best.offer(above[2 * x + 1], upper + 2 * x + 1);
      best.offer(below[2 * x], lower + 2 * x);
      best.offer(below[2 * x + 1], lower + 2 * x + 1);
      out[x] = best.value;
      at[x] = best.at;
    }
  }
}

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

bool is_pairs(const Pool2dOptions& o) {
  using Two = std::array<std::int64_t, 2>;
  return o.size == Two{2, 2} && o.stride == Two{2, 2} && o.padding == Two{0, 0};
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

}  // namespace

Variable max_pool2d(const Variable& x, const Pool2dOptions& options) {
  const Shape shape = pool2d_shape(x.shape(), options);
  const PoolPlan plan(x.shape(), shape, options);
  Tensor y(shape);
  const Storage chosen(static_cast<std::size_t>(y.numel()) * sizeof(Index));
  const auto pool = is_pairs(plan.options) ? pool_pairs : pool_any;
  const Scalar* in = x.value().data();
  Scalar* out = y.mutable_data();
  auto* at = static_cast<Index*>(chosen.data());
  parallel_for(plan.planes, plan.grain(), [=, &plan](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      pool(plan, in + plane * plan.pixels(), out + plane * plan.outputs(), at + plane * plan.outputs());
    }
  });
  return record("max_pool2d", std::move(y), {x}, [plan, chosen, input = x.shape()](const Tensor& dy, const Needs&) {
    return Gradients{spread(plan, dy, static_cast<const Index*>(chosen.data()), input)};
  });
}

}  // namespace tempera::core
