// Matrix products, in the precision of the scope they are in (core/precision.hpp); what is added to them is float32.
#pragma once

#include <optional>

#include "tempera/core/gemm.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {

/// Which operands of `matmul` are read transposed.
struct Transposed {
  bool a = false;
  bool b = false;
};

/// [m, k] · [k, n] → [m, n]; an operand marked transposed has its two axes the other way round. Throws ShapeError
/// unless both have two axes and the inner extents agree.
[[nodiscard]] Variable matmul(const Variable& a, const Variable& b, Transposed transposed = {});

/// The panels of a weight that `linear` multiplies by again and again: packed in the first call that needs them, and anew after
/// the weight was given other values.
class KeptPanels {
 public:
  [[nodiscard]] const PackedB* of(const Tensor& weight, const Gemm& args);
  /// Lets go of the weight, whose next change would otherwise copy it.
  void forget() noexcept;

 private:
  Tensor weight_;  // shares its values, so that they cannot change unnoticed
  std::optional<PackedB> panels_;
};

/// x [batch, in] · weightᵀ [out, in] + bias [out] → [batch, out], then max(·, 0) if `with_relu`. An empty `bias` is left
/// out. Fused: defined by relu(add(matmul(x, weight, {.b = true}), bias)). With `kept` the weight is packed once for many calls.
/// Throws ShapeError.
[[nodiscard]] Variable linear(const Variable& x, const Variable& weight, const Variable& bias = {},
                              bool with_relu = false, KeptPanels* kept = nullptr);

}  // namespace tempera::core
