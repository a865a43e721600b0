// NumPy broadcasting on tensors: the walk over operands of different shapes, and its adjoint, the sum.
#pragma once

#include <array>
#include <cstdint>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::core {

/// Elements below which a loop over cheap (add) or costly (exp) elements is not worth cutting.
inline constexpr std::int64_t kLightGrain = 32768;
inline constexpr std::int64_t kHeavyGrain = 8192;

/// A result shape with the strides at which two operands are read; axes that run on are merged and axes of extent 1
/// dropped, so the innermost stride of an operand is 1 or 0 and the rank at least 1.
struct Walk {
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::array<std::int64_t, Shape::kMaxRank> a{};
  std::array<std::int64_t, Shape::kMaxRank> b{};
  int rank = 1;

  /// `out` must be what `a_shape` and `b_shape` both broadcast to.
  Walk(const Shape& out, const Shape& a_shape, const Shape& b_shape);

  [[nodiscard]] std::int64_t row() const noexcept { return extents[static_cast<std::size_t>(rank - 1)]; }
  [[nodiscard]] std::int64_t a_step() const noexcept { return a[static_cast<std::size_t>(rank - 1)]; }
  [[nodiscard]] std::int64_t b_step() const noexcept { return b[static_cast<std::size_t>(rank - 1)]; }

  /// Calls fn(out_offset, a_offset, b_offset) at the start of every innermost row, in order.
  template <class Fn>
  void for_each_row(Fn&& fn) const {
    if (row() == 0) return;
    std::int64_t rows = 1;
    for (int i = 0; i + 1 < rank; ++i) rows *= extents[static_cast<std::size_t>(i)];
    std::array<std::int64_t, Shape::kMaxRank> index{};
    std::int64_t a_offset = 0, b_offset = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      fn(r * row(), a_offset, b_offset);
      for (int i = rank - 2; i >= 0; --i) {
        const auto axis = static_cast<std::size_t>(i);
        a_offset += a[axis];
        b_offset += b[axis];
        if (++index[axis] < extents[axis]) break;
        a_offset -= a[axis] * extents[axis];
        b_offset -= b[axis] * extents[axis];
        index[axis] = 0;
      }
    }
  }
};

/// The three forms of y = f(a, b): both arrays, b one number, a one number.
struct BinaryKernels {
  KernelTable::Binary both;
  KernelTable::BinaryScalar right;  ///< y[i] = f(x[i], s)
  KernelTable::BinaryScalar left;   ///< y[i] = f(s, x[i])
};

/// f(a, b) broadcast. Throws ShapeError "[op] …" where the shapes do not fit.
[[nodiscard]] Tensor broadcast_apply(const char* op, const Tensor& a, const Tensor& b, const BinaryKernels& f);

/// Sums `x` down to `shape`, which broadcasts to x's: the adjoint of broadcasting. No copy where the shapes are equal.
[[nodiscard]] Tensor sum_to(const Tensor& x, const Shape& shape);

/// Repeats `x` along broadcast axes to `shape`.
[[nodiscard]] Tensor expand_to(const Tensor& x, const Shape& shape);

/// y = f(x) in parallel pieces, for kernels of the table.
[[nodiscard]] Tensor map(const Tensor& x, KernelTable::Unary f, std::int64_t grain);
/// y = f(a, b) for equal shapes.
[[nodiscard]] Tensor map(const Tensor& a, const Tensor& b, KernelTable::Binary f, std::int64_t grain);

}  // namespace tempera::core
