// The precision of products: in which numbers matrix products and convolutions multiply.
#pragma once

#include <string_view>

#include "tempera/core/tensor.hpp"

namespace tempera::core {

/// kBf16: both operands of every product are rounded to bfloat16 (core/bfloat16.hpp) and the products summed in float32.
enum class Precision { kFloat32, kBf16 };

/// "float32", "bf16".
[[nodiscard]] std::string_view precision_name(Precision precision) noexcept;
/// Of the products that operations on this thread make; float32 unless a PrecisionScope says otherwise.
[[nodiscard]] Precision precision() noexcept;

/// While alive, `linear`, `matmul` and `conv2d` on this thread compute in `precision`, and so will their gradients,
/// whenever these are asked for: an operation keeps the precision in which it was recorded.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision) noexcept;
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;
  ~PrecisionScope();

 private:
  Precision previous_;
};

/// The values as a product of that precision takes them: rounded to bfloat16, or the same tensor in float32.
[[nodiscard]] Tensor as_operand(const Tensor& x, Precision precision);

/// The instructions that multiply bfloat16 at the level in use ("AMX-BF16", "AVX512-BF16"); empty where they are
/// emulated: rounded, and multiplied by the kernels of float32, in which products of bfloat16 are exact.
[[nodiscard]] std::string_view bf16_instructions();

}  // namespace tempera::core
