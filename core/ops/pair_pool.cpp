#include "tempera/core/ops/pair_pool.hpp"

#include <atomic>

#include "tempera/core/ops/pool2d_plan.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

// run(first, planes) for all planes of images that are pooled, on several threads.
template <class Run>
void each_planes(const Shape& images, Run run) {
  const PoolPlan plan(images, pool2d_shape(images, {}), {});
  parallel_for(plan.planes, plan.grain(), [&](std::int64_t begin, std::int64_t end) { run(begin, end - begin); });
}

PairPlane plane_of(const Shape& images) noexcept { return {images[2], images[3]}; }

}  // namespace

PairPool pool_pairs(const Tensor& x) {
  PairPool pool(pool2d_shape(x.shape(), {}));
  const PairPlane plane = plane_of(x.shape());
  const Scalar* in = x.data();
  Scalar* out = pool.y.mutable_data();
  auto* at = static_cast<Scalar*>(pool.chosen.data());
  each_planes(x.shape(), [=](std::int64_t first, std::int64_t planes) {
    const std::int64_t to = first * plane.windows();
    pool_planes(plane, planes, in + first * plane.pixels(), out + to, at + to);
  });
  return pool;
}

GridPool pool_pairs_on_grid(const Tensor& x, const FakeQuantGrid& grid) {
  const Shape shape = pool2d_shape(x.shape(), {});
  GridPool result{.pool = PairPool(shape), .taken = Tensor(shape), .inside = true};
  const PairPlane plane = plane_of(x.shape());
  const Scalar* in = x.data();
  Scalar *out = result.pool.y.mutable_data(), *taken = result.taken.mutable_data();
  auto* at = static_cast<Scalar*>(result.pool.chosen.data());
  std::atomic<bool> inside = true;
  each_planes(x.shape(), [&, plane, in, out, at, taken](std::int64_t first, std::int64_t planes) {
    bool all = true;
    for (std::int64_t p = first; p < first + planes; ++p) {
      const std::int64_t to = p * plane.windows();
      all = kernels().pool_pairs_on_grid(plane, grid, in + p * plane.pixels(), out + to, at + to, taken + to) && all;
    }
    if (!all) inside.store(false, std::memory_order_relaxed);
  });
  result.inside = inside.load();
  return result;
}

Tensor spread_pairs(const Tensor& dy, const Storage& chosen, const Shape& input) {
  Tensor dx(input);
  const PairPlane plane = plane_of(input);
  const Scalar* grad = dy.data();
  const auto* from = static_cast<const Scalar*>(chosen.data());
  Scalar* to = dx.mutable_data();
  each_planes(input, [=](std::int64_t first, std::int64_t planes) {
    const std::int64_t at = first * plane.windows();
    spread_planes(plane, planes, grad + at, from + at, to + first * plane.pixels());
  });
  return dx;
}

}  // namespace tempera::core
