// The gradient of a weight that is made rows by rows.
//
// A gradient of millions of elements is written to far memory only to be read once, by the optimizer, which reads the
// weight and its own state from there as well. Deferred, it is made some rows at a time by the thread that updates those
// rows, stays in the second cache, and the products' arithmetic hides the reading of weight and state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tempera/core/lazy_tensor.hpp"
#include "tempera/core/row_product.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {

/// dyᵀ·x [out, in] of dy [batch, out] and x [batch, in].
class RowGradient final : public DeferredTensor {
 public:
  RowGradient(Tensor dy, Tensor x, Precision precision);

  /// Whether it is worth waiting with, and its rows can be made on their own.
  [[nodiscard]] bool pays() const;
  /// Of a matrix that is made by rows: several of these fit the part of the second cache that a share of them takes.
  [[nodiscard]] static std::int64_t most_columns() noexcept;
  [[nodiscard]] const Shape& shape() const noexcept override { return shape_; }
  [[nodiscard]] Tensor make() const override;

  /// Has to be called before rows are asked for.
  void prepare();
  /// RowProduct::make; several threads at a time.
  void make_rows(std::int64_t begin, std::int64_t end, Scalar* to, std::span<const Scalar* const> next) const {
    rows_->make(begin, end, to, next);
  }

 private:
  [[nodiscard]] Gemm product() const;

  Tensor dy_, x_;
  Shape shape_;
  Precision precision_;
  std::optional<RowProduct> rows_;
};

/// The gradient of a leaf, if it is one of rows that was not asked for yet; else null.
[[nodiscard]] inline RowGradient* row_gradient(const Variable& leaf) noexcept {
  return dynamic_cast<RowGradient*>(leaf.deferred_grad());
}

}  // namespace tempera::core
