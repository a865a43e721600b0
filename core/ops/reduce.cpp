#include "tempera/core/ops/reduce.hpp"

#include <array>
#include <cmath>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"

namespace tempera::core {
namespace {

struct Reduction {
  Shape kept;    ///< reduced axes with extent 1
  Shape result;  ///< the shape asked for
  std::int64_t count = 1;
};

Reduction reduction_of(const char* op, const Shape& shape, const std::vector<int>& axes, bool keep_axes) {
  std::array<bool, Shape::kMaxRank> reduced{};
  reduced.fill(axes.empty());
  for (const int axis : axes) {
    const auto i = static_cast<std::size_t>(checked_axis(op, axis, shape));
    require(!reduced[i], op, "axis {} of {} is named twice", axis, shape);
    reduced[i] = true;
  }
  std::array<std::int64_t, Shape::kMaxRank> kept{}, result{};
  std::size_t rank = 0;
  Reduction r;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool gone = reduced[static_cast<std::size_t>(axis)];
    if (gone) r.count *= shape[axis];
    kept[static_cast<std::size_t>(axis)] = gone ? 1 : shape[axis];
    if (!gone || keep_axes) result[rank++] = gone ? 1 : shape[axis];
  }
  r.kept = Shape(std::span<const std::int64_t>(kept.data(), static_cast<std::size_t>(shape.rank())));
  r.result = Shape(std::span<const std::int64_t>(result.data(), rank));
  return r;
}

Tensor times(const Tensor& x, Scalar factor) {
  Tensor y(x.shape());
  kernels().mul_scalar(x.numel(), x.data(), factor, y.mutable_data());
  return y;
}

// Which element of x each result came from.
struct Chosen {
  Tensor values;
  std::vector<std::int64_t> from;
};

Chosen choose_largest(const Tensor& x, const Shape& kept) {
  Chosen chosen{Tensor(kept), std::vector<std::int64_t>(static_cast<std::size_t>(kept.numel()), -1)};
  const Walk walk(x.shape(), kept, kept);
  const Scalar* in = x.data();
  Scalar* best = chosen.values.mutable_data();
  walk.for_each_row([&](std::int64_t at, std::int64_t to, std::int64_t) {
    for (std::int64_t i = 0; i < walk.row(); ++i) {
      const std::int64_t out = to + i * walk.a_step();
      std::int64_t& from = chosen.from[static_cast<std::size_t>(out)];
      const Scalar value = in[at + i];
      if (from >= 0 && !(value > best[out]) && !(std::isnan(value) && !std::isnan(best[out]))) continue;
      best[out] = value;
      from = at + i;
    }
  });
  return chosen;
}

}  // namespace

Variable sum(const Variable& x, const std::vector<int>& axes, bool keep_axes) {
  const Reduction r = reduction_of("sum", x.shape(), axes, keep_axes);
  return record("sum", sum_to(x.value(), r.kept).reshaped(r.result), {x},
                [shape = x.shape(), kept = r.kept](const Tensor& dy, const Needs&) {
                  return Gradients{expand_to(dy.reshaped(kept), shape)};
                });
}

Variable mean(const Variable& x, const std::vector<int>& axes, bool keep_axes) {
  const Reduction r = reduction_of("mean", x.shape(), axes, keep_axes);
  require(r.count > 0, "mean", "there is nothing to average in {}", x.shape());
  const Scalar factor = Scalar{1} / static_cast<Scalar>(r.count);
  return record("mean", times(sum_to(x.value(), r.kept), factor).reshaped(r.result), {x},
                [shape = x.shape(), kept = r.kept, factor](const Tensor& dy, const Needs&) {
                  return Gradients{expand_to(times(dy, factor).reshaped(kept), shape)};
                });
}

Variable max(const Variable& x, const std::vector<int>& axes, bool keep_axes) {
  const Reduction r = reduction_of("max", x.shape(), axes, keep_axes);
  require(r.count > 0, "max", "there is nothing to choose from in {}", x.shape());
  Chosen chosen = choose_largest(x.value(), r.kept);
  return record("max", chosen.values.reshaped(r.result), {x},
                [shape = x.shape(), from = std::move(chosen.from)](const Tensor& dy, const Needs&) {
                  Tensor dx = Tensor::zeros(shape);
                  Scalar* to = dx.mutable_data();
                  for (std::size_t i = 0; i < from.size(); ++i) to[from[i]] += dy.data()[i];
                  return Gradients{std::move(dx)};
                });
}

}  // namespace tempera::core
