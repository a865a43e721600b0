// The gradient of a weight that is made when it is asked for.
//
// A gradient of millions of elements is written to far memory only to be read once, by the optimizer, which reads the
// weight and its own state from there as well. Deferred, it is made some rows at a time by the thread that updates those
// rows, stays in the second cache, and the products' arithmetic hides the reading of weight and state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "tempera/core/row_product.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::core {

/// dyᵀ·x [out, in] of dy [batch, out] and x [batch, in].
class DeferredGradient {
 public:
  DeferredGradient(Tensor dy, Tensor x, Precision precision);

  /// Whether it is worth waiting with, and its rows can be made on their own.
  [[nodiscard]] bool pays() const;
  /// Of a matrix that is made by rows: several of these fit the part of the second cache that a share of them takes.
  [[nodiscard]] static std::int64_t most_columns() noexcept;
  [[nodiscard]] Shape shape() const { return {dy_.dim(1), x_.dim(1)}; }
  /// All of it.
  [[nodiscard]] Tensor make() const;

  /// Has to be called before rows are asked for.
  void prepare();
  /// RowProduct::make; several threads at a time.
  void make_rows(std::int64_t begin, std::int64_t end, Scalar* to, std::span<const Scalar* const> next) const {
    rows_->make(begin, end, to, next);
  }

 private:
  [[nodiscard]] Gemm product() const;

  Tensor dy_, x_;
  Precision precision_;
  std::optional<RowProduct> rows_;
};

}  // namespace tempera::core
