#include "tempera/core/ops/broadcast.hpp"

#include <algorithm>

#include "tempera/core/ops/check.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

// Row-major strides of `shape` seen as `rank` axes aligned at the end; 0 where it is repeated.
std::array<std::int64_t, Shape::kMaxRank> strides_in(const Shape& shape, int rank) {
  std::array<std::int64_t, Shape::kMaxRank> strides{};
  std::int64_t stride = 1;
  for (int i = 1; i <= shape.rank(); ++i) {
    const std::int64_t extent = shape[shape.rank() - i];
    strides[static_cast<std::size_t>(rank - i)] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
  return strides;
}

Shape broadcast_or_fail(const char* op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    const std::int64_t x = a[a.rank() - i], y = b[b.rank() - i];
    require(x == y || x == 1 || y == 1, op,
            "shapes must be equal or broadcast, received {} and {} ({} against {} on axis -{})", a, b, x, y, i);
  }
  return broadcast(a, b);
}

void apply_rows(const Walk& walk, const Scalar* a, const Scalar* b, Scalar* y, const BinaryKernels& f) {
  const std::int64_t n = walk.row();
  walk.for_each_row([&](std::int64_t out, std::int64_t ia, std::int64_t ib) {
    if (walk.a_step() == 0) {
      f.left(n, b + ib, a[ia], y + out);
    } else if (walk.b_step() == 0) {
      f.right(n, a + ia, b[ib], y + out);
    } else {
      f.both(n, a + ia, b + ib, y + out);
    }
  });
}

}  // namespace

Walk::Walk(const Shape& out, const Shape& a_shape, const Shape& b_shape) {
  const auto a_strides = strides_in(a_shape, out.rank());
  const auto b_strides = strides_in(b_shape, out.rank());
  int axes = 0;
  for (int i = 0; i < out.rank(); ++i) {
    const auto from = static_cast<std::size_t>(i);
    if (out[i] == 1) continue;
    const auto last = static_cast<std::size_t>(axes - 1);
    if (axes > 0 && a[last] == a_strides[from] * out[i] && b[last] == b_strides[from] * out[i]) {
      extents[last] *= out[i];
      a[last] = a_strides[from];
      b[last] = b_strides[from];
      continue;
    }
    const auto to = static_cast<std::size_t>(axes++);
    extents[to] = out[i];
    a[to] = a_strides[from];
    b[to] = b_strides[from];
  }
  if (axes == 0) {
    extents[0] = 1;
    a[0] = b[0] = 1;
  }
  rank = std::max(axes, 1);
}

Tensor broadcast_apply(const char* op, const Tensor& a, const Tensor& b, const BinaryKernels& f) {
  if (a.shape() == b.shape()) return map(a, b, f.both, kLightGrain);
  Tensor y(broadcast_or_fail(op, a.shape(), b.shape()));
  if (y.numel() == 0) return y;
  apply_rows(Walk(y.shape(), a.shape(), b.shape()), a.data(), b.data(), y.mutable_data(), f);
  return y;
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Tensor sum = Tensor::zeros(shape);
  const Walk walk(x.shape(), shape, shape);
  const KernelTable& table = kernels();
  const Scalar* from = x.data();
  Scalar* to = sum.mutable_data();
  const std::int64_t n = walk.row();
  if (walk.rank == 2 && walk.a_step() == 1 && walk.a[0] == 0) {
    table.column_sum(walk.extents[0], n, from, to);
    return sum;
  }
  walk.for_each_row([&](std::int64_t in, std::int64_t out, std::int64_t) {
    if (walk.a_step() == 0) {
      to[out] += table.sum(n, from + in);
    } else {
      table.add(n, to + out, from + in, to + out);
    }
  });
  return sum;
}

Tensor expand_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Tensor y(shape);
  const Walk walk(shape, x.shape(), x.shape());
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  walk.for_each_row([&](std::int64_t out, std::int64_t in, std::int64_t) {
    if (walk.a_step() == 0) {
      std::fill_n(to + out, walk.row(), from[in]);
    } else {
      std::copy_n(from + in, walk.row(), to + out);
    }
  });
  return y;
}

Tensor map(const Tensor& x, KernelTable::Unary f, std::int64_t grain) {
  Tensor y(x.shape());
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  parallel_for(x.numel(), grain,
               [=](std::int64_t begin, std::int64_t end) { f(end - begin, from + begin, to + begin); });
  return y;
}

Tensor map(const Tensor& a, const Tensor& b, KernelTable::Binary f, std::int64_t grain) {
  Tensor y(a.shape());
  const Scalar* left = a.data();
  const Scalar* right = b.data();
  Scalar* to = y.mutable_data();
  parallel_for(a.numel(), grain,
               [=](std::int64_t begin, std::int64_t end) { f(end - begin, left + begin, right + begin, to + begin); });
  return y;
}

}  // namespace tempera::core
