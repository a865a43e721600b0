// Matrix multiplication on raw storage. Operations and layers use it; it dispatches to the kernel table.
#pragma once

#include <cstdint>

#include "tempera/core/precision.hpp"
#include "tempera/core/scalar.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

class PackedB;
class ScaledBytes;

/// C[m,n] = act(A·B + bias), or C += A·B. Row-major with leading dimensions; A is [m,k] ([k,m] if transposed), B is [k,n]
/// ([n,k] if transposed). Any extent may be 0; k = 0 gives zeros (plus bias).
struct Gemm {
  std::int64_t m = 0, n = 0, k = 0;
  const Scalar* a = nullptr;
  std::int64_t lda = 0;
  bool transpose_a = false;
  const Scalar* b = nullptr;
  std::int64_t ldb = 0;
  bool transpose_b = false;
  Scalar* c = nullptr;
  std::int64_t ldc = 0;
  bool accumulate = false;               ///< C += instead of C =
  const Scalar* column_bias = nullptr;   ///< [n], added to every row; not together with accumulate
  const Scalar* row_bias = nullptr;      ///< [m], added to every column; not together with accumulate
  bool relu = false;                     ///< max(·, 0) last
  const ScaledBytes* b_bytes = nullptr;  ///< B instead of b, where packs_b()
  const PackedB* packed_b = nullptr;  ///< B of this n and k, packed before, or null; b is read where nothing is packed
  bool parallel = true;               ///< false inside a parallel loop over matrices
  Precision precision = Precision::kFloat32;  ///< what A and B are rounded to before they are multiplied
};

/// Deterministic: the order of additions over k depends on the extents and the instruction level alone, and in bf16 on
/// whether the processor multiplies it at that level (core/bf16_gemm.cpp).
void gemm(const Gemm& args);

/// Whether gemm(args) would pack B, anew in every call: what PackedB saves where B stays the same.
[[nodiscard]] bool packs_b(const Gemm& args);

/// B in the panels that gemm() multiplies by, for products of any m with its n, k and instruction level: the same bits.
class PackedB {
 public:
  /// Of b or b_bytes, ldb, transpose_b, n and k.
  explicit PackedB(const Gemm& args);
  /// From row p on, of the strip that begins with column j, a multiple of gemm_nr: gemm_nr values a row.
  [[nodiscard]] const Scalar* panel(std::int64_t p, std::int64_t j) const noexcept;

 private:
  std::int64_t depth_;  // rows
  Storage panels_;
};

}  // namespace tempera::core
