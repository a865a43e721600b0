#include "tempera/core/ops/gather.hpp"

#include <algorithm>
#include <vector>

#include "tempera/core/ops/check.hpp"

namespace tempera::core {
namespace {

// An axis seen as [outer, extent, inner], and what is taken from it.
struct Selection {
  Shape from;
  Shape to;
  std::int64_t outer = 1, inner = 1;
  std::int64_t extent = 0;
  std::vector<std::int64_t> indices;

  // Calls fn(offset in x, offset in y) for every run of `inner` elements.
  template <class Fn>
  void for_each_run(Fn&& fn) const {
    const auto count = static_cast<std::int64_t>(indices.size());
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < count; ++i) {
        fn((o * extent + indices[static_cast<std::size_t>(i)]) * inner, (o * count + i) * inner);
      }
    }
  }
};

Selection selection_of(const Shape& shape, int axis, std::span<const std::int64_t> indices) {
  const int a = checked_axis("index_select", axis, shape);
  Selection s{.from = shape, .extent = shape[a], .indices = {indices.begin(), indices.end()}};
  for (const std::int64_t index : indices) {
    require(index >= 0 && index < s.extent, "index_select", "indices must be in [0, {}), received {} for axis {} of {}",
            s.extent, index, axis, shape);
  }
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  for (int i = 0; i < shape.rank(); ++i) {
    extents[static_cast<std::size_t>(i)] = i == a ? static_cast<std::int64_t>(indices.size()) : shape[i];
    if (i < a) s.outer *= shape[i];
    if (i > a) s.inner *= shape[i];
  }
  s.to = Shape(std::span<const std::int64_t>(extents.data(), static_cast<std::size_t>(shape.rank())));
  return s;
}

}  // namespace

Variable index_select(const Variable& x, int axis, std::span<const std::int64_t> indices) {
  Selection s = selection_of(x.shape(), axis, indices);
  Tensor y(s.to);
  const Scalar* from = x.value().data();
  Scalar* to = y.mutable_data();
  s.for_each_run([&](std::int64_t at, std::int64_t out) { std::copy_n(from + at, s.inner, to + out); });
  return record("index_select", std::move(y), {x}, [s = std::move(s)](const Tensor& dy, const Needs&) {
    Tensor dx = Tensor::zeros(s.from);
    Scalar* sum = dx.mutable_data();
    s.for_each_run([&](std::int64_t at, std::int64_t out) {
      for (std::int64_t i = 0; i < s.inner; ++i) sum[at + i] += dy.data()[out + i];
    });
    return Gradients{std::move(dx)};
  });
}

Variable pick(const Variable& x, std::span<const std::int32_t> columns) {
  const Shape& shape = x.shape();
  require(shape.rank() == 2 && shape[0] == static_cast<std::int64_t>(columns.size()), "pick",
          "needs one column for each row of [rows, columns], received {} for {}", columns.size(), shape);
  std::vector<std::int64_t> at(columns.size());
  Tensor y({shape[0]});
  Scalar* to = y.mutable_data();
  for (std::size_t r = 0; r < columns.size(); ++r) {
    require(columns[r] >= 0 && columns[r] < shape[1], "pick", "columns must be in [0, {}), received {}", shape[1],
            columns[r]);
    at[r] = static_cast<std::int64_t>(r) * shape[1] + columns[r];
    to[r] = x.value().data()[at[r]];
  }
  return record("pick", std::move(y), {x}, [shape, at = std::move(at)](const Tensor& dy, const Needs&) {
    Tensor dx = Tensor::zeros(shape);
    Scalar* out = dx.mutable_data();
    for (std::size_t r = 0; r < at.size(); ++r) out[at[r]] = dy.data()[r];
    return Gradients{std::move(dx)};
  });
}

}  // namespace tempera::core
