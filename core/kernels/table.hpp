// The kernel table: plain function pointers, filled once, scalar first and then overridden by each instruction set the
// processor reports. The environment variable TEMPERA_ISA (scalar|sse42|avx2|avx512) forces a level.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// Instruction levels in rising order.
enum class Isa { kScalar, kSse42, kAvx2, kAvx512 };

[[nodiscard]] std::string_view isa_name(Isa level) noexcept;
/// Levels this build has kernels for and this processor (and its operating system) can run, in rising order.
[[nodiscard]] std::vector<Isa> available_isas();

/// Unless said otherwise n counts elements, x, y, a, b may not overlap partially, and y may equal an input.
struct KernelTable {
  using Unary = void (*)(std::int64_t n, const Scalar* x, Scalar* y) noexcept;
  using Binary = void (*)(std::int64_t n, const Scalar* a, const Scalar* b, Scalar* y) noexcept;
  using BinaryScalar = void (*)(std::int64_t n, const Scalar* a, Scalar b, Scalar* y) noexcept;
  using Reduce = Scalar (*)(std::int64_t n, const Scalar* x) noexcept;
  using Rows = void (*)(std::int64_t rows, std::int64_t columns, const Scalar* x, Scalar* y) noexcept;

  Isa level = Isa::kScalar;

  // y = a ∘ b
  Binary add, sub, mul, div;
  BinaryScalar add_scalar, mul_scalar;
  /// y += a·x
  void (*axpy)(std::int64_t n, Scalar a, const Scalar* x, Scalar* y) noexcept;

  // y = f(x)
  Unary exp, log, sqrt, relu, gelu, sigmoid, tanh, softplus;
  // dx from (dy, y or x): relu_grad(dy, y), sigmoid_grad(dy, y), tanh_grad(dy, y), gelu_grad(dy, x)
  Binary relu_grad, sigmoid_grad, tanh_grad, gelu_grad;

  Reduce sum;          ///< fixed order of additions for a given n and level
  Reduce sum_squares;
  Reduce max;          ///< n ≥ 1; NaN if any is NaN
  Rows column_sum;     ///< y[c] += Σ_r x[r, c]
  Rows softmax;        ///< of each row
  Rows log_softmax;    ///< of each row
  /// dx from (dy, y = softmax): y·(dy − Σ dy·y) by row
  void (*softmax_grad)(std::int64_t rows, std::int64_t columns, const Scalar* dy, const Scalar* y, Scalar* dx) noexcept;
  /// Per row: loss[r] = −Σ t·log softmax(x), grad = scale·(softmax(x) − t), t = (1−smoothing)·onehot + smoothing/columns
  void (*cross_entropy)(std::int64_t rows, std::int64_t columns, const Scalar* x, const std::int32_t* labels,
                        Scalar smoothing, Scalar scale, Scalar* loss, Scalar* grad) noexcept;

  /// y = x·scale + shift
  void (*normalize_u8)(std::int64_t n, const std::uint8_t* x, Scalar scale, Scalar shift, Scalar* y) noexcept;

  /// Momentum SGD as in PyTorch: g += decay·w; v = momentum·v + g; w −= rate·(nesterov ? g + momentum·v : v)
  void (*sgd)(std::int64_t n, Scalar rate, Scalar momentum, Scalar decay, bool nesterov, const Scalar* g, Scalar* v,
              Scalar* w) noexcept;
  /// Adam: rate already bias-corrected is not assumed: c1 = 1−β1^t, c2 = 1−β2^t
  void (*adam)(std::int64_t n, Scalar rate, Scalar beta1, Scalar beta2, Scalar epsilon, Scalar c1, Scalar c2,
               Scalar decay, Scalar decoupled_decay, const Scalar* g, Scalar* m, Scalar* v, Scalar* w) noexcept;

  // Building blocks of core/gemm.cpp. Panels: A in strips of `gemm_mr` rows, B in strips of `gemm_nr` columns, k-major.
  std::int64_t gemm_mr, gemm_nr;
  /// panel[p·mr + i] = A(i, p), rows ≥ m filled with 0. element (i, p) of A is at a[i·row_stride + p·column_stride]
  void (*gemm_pack_a)(std::int64_t m, std::int64_t k, const Scalar* a, std::int64_t row_stride,
                      std::int64_t column_stride, Scalar* panel) noexcept;
  /// panel[p·nr + j] = B(p, j), columns ≥ n filled with 0; strides as above: b[p·row_stride + j·column_stride]
  void (*gemm_pack_b)(std::int64_t n, std::int64_t k, const Scalar* b, std::int64_t row_stride,
                      std::int64_t column_stride, Scalar* panel) noexcept;
  /// C(m×n) (+)= panel_a · panel_b over k, m ≤ mr, n ≤ nr
  void (*gemm_tile)(std::int64_t m, std::int64_t n, std::int64_t k, const Scalar* panel_a, const Scalar* panel_b,
                    Scalar* c, std::int64_t ldc, bool accumulate) noexcept;
};

/// The table in use. Chosen at first use from TEMPERA_ISA or the processor; throws UnsupportedError for an unknown or
/// unavailable TEMPERA_ISA.
[[nodiscard]] const KernelTable& kernels();
/// The table of a given level (for tests and benchmarks). Throws UnsupportedError if it is not available.
[[nodiscard]] const KernelTable& kernels_of(Isa level);

}  // namespace tempera::core
