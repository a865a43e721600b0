#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/pool2d_plan.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

Scalar cells(const PoolPlan& plan, const PoolWindow& w, bool count_padding) {
  const std::int64_t inside = (w.bottom - w.top) * (w.right - w.left);
  return static_cast<Scalar>(count_padding ? plan.options.size[0] * plan.options.size[1] : inside);
}

// Calls fn(plane, output, window) for every window.
template <class Fn>
void for_each_window(const PoolPlan& plan, Fn&& fn) {
  parallel_for(plan.planes, plan.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t plane = begin; plane < end; ++plane) {
      for (std::int64_t y = 0; y < plan.out_height; ++y) {
        for (std::int64_t x = 0; x < plan.out_width; ++x) {
          fn(plane * plan.pixels(), plane * plan.outputs() + y * plan.out_width + x, plan.window(y, x));
        }
      }
    }
  });
}

Tensor averaged(const PoolPlan& plan, const Tensor& x, const Shape& shape, bool count_padding) {
  Tensor y(shape);
  const Scalar* in = x.data();
  Scalar* out = y.mutable_data();
  for_each_window(plan, [&](std::int64_t plane, std::int64_t to, const PoolWindow& w) {
    Scalar sum = 0;
    for (std::int64_t row = w.top; row < w.bottom; ++row) {
      for (std::int64_t column = w.left; column < w.right; ++column) sum += in[plane + row * plan.width + column];
    }
    out[to] = sum / cells(plan, w, count_padding);
  });
  return y;
}

Tensor spread(const PoolPlan& plan, const Tensor& dy, const Shape& shape, bool count_padding) {
  Tensor dx = Tensor::zeros(shape);
  const Scalar* grad = dy.data();
  Scalar* out = dx.mutable_data();
  for_each_window(plan, [&](std::int64_t plane, std::int64_t from, const PoolWindow& w) {
    const Scalar share = grad[from] / cells(plan, w, count_padding);
    for (std::int64_t row = w.top; row < w.bottom; ++row) {
      for (std::int64_t column = w.left; column < w.right; ++column) out[plane + row * plan.width + column] += share;
    }
  });
  return dx;
}

}  // namespace

Shape pool2d_shape(const Shape& x, const Pool2dOptions& o) {
  constexpr const char* kName = "pool2d";
  require(x.rank() == 4, kName, "the input must be [batch, channels, height, width], received {}", x);
  std::array<std::int64_t, 2> outputs{};
  for (std::size_t i = 0; i < 2; ++i) {
    require_parameter(o.size[i] >= 1 && o.stride[i] >= 0 && o.padding[i] >= 0 && 2 * o.padding[i] <= o.size[i], kName,
                      "needs size >= 1, stride >= 0 and 0 <= padding <= size/2, received {}, {} and {}", o.size[i],
                      o.stride[i], o.padding[i]);
    const std::int64_t extent = x[static_cast<int>(i) + 2], padded = extent + 2 * o.padding[i];
    require(extent > 0 && padded >= o.size[i], kName,
            "the window must fit into the padded input, received {} against {} on axis {} of {}", o.size[i], padded,
            i + 2, x);
    outputs[i] = (padded - o.size[i]) / (o.stride[i] == 0 ? o.size[i] : o.stride[i]) + 1;
  }
  return {x[0], x[1], outputs[0], outputs[1]};
}

Variable avg_pool2d(const Variable& x, const Pool2dOptions& options, bool count_padding) {
  const Shape shape = pool2d_shape(x.shape(), options);
  const PoolPlan plan(x.shape(), shape, options);
  return record("avg_pool2d", averaged(plan, x.value(), shape, count_padding), {x},
                [plan, count_padding, input = x.shape()](const Tensor& dy, const Needs&) {
                  return Gradients{spread(plan, dy, input, count_padding)};
                });
}

Variable global_avg_pool2d(const Variable& x) {
  require(x.shape().rank() == 4, "global_avg_pool2d", "the input must be [batch, channels, height, width], received {}",
          x.shape());
  static const std::vector<int> kImage{2, 3};
  return mean(x, kImage);
}

}  // namespace tempera::core
