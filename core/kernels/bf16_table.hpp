// Kernels for bfloat16: the conversion, which gives the same bits at every level, and, where the processor multiplies
// bfloat16, a strip of a matrix product on operands packed for that.
#pragma once

#include <cstdint>
#include <string_view>

#include "tempera/core/kernels/table.hpp"

namespace tempera::core {

/// Some rows by up to kBf16Columns columns of C = act(A·B + bias), or C += A·B, for the whole of k. Operands are words of
/// two bfloat16 that follow one another along k, the first in the lower half; an odd k and what `depth` asks for are
/// filled up with zeros.
struct Bf16Strip {
  std::int64_t m = 0, n = 0;
  std::int64_t words = 0;                ///< a multiple of depth
  std::int64_t depth = 1;                ///< words that one instruction takes; at most Bf16KernelTable::depth
  const std::uint32_t* a = nullptr;      ///< A(i, 2q) and A(i, 2q + 1) in a[i·words + q]
  const std::uint32_t* panel = nullptr;  ///< B(2q, j) and B(2q + 1, j) in panel[q·kBf16Columns + j]
  float* c = nullptr;
  std::int64_t c_row = 0;
  bool accumulate = false;
  const float* column_bias = nullptr;  ///< [n] or null
  const float* row_bias = nullptr;     ///< [m] or null
  bool relu = false;                   ///< max(·, 0) last; NaN stays NaN
};

inline constexpr std::int64_t kBf16Columns = 32;

struct Bf16KernelTable {
  Isa level = Isa::kScalar;
  /// y = x rounded to bfloat16 (core/bfloat16.hpp); y may be x.
  void (*round)(std::int64_t n, const Scalar* x, Scalar* y) noexcept = nullptr;

  // Where the processor multiplies bfloat16 at this level; else null.
  std::string_view instructions;  ///< "AVX512-BF16", "AMX-BF16"; empty: none
  std::int64_t depth = 1;         ///< words along k that one instruction takes at most
  /// Rounds and packs m rows of A: out[i·words + q], as in Bf16Strip. A(i, p) is a[i·row + p·column]; one of them is 1.
  void (*pack_a)(std::int64_t m, std::int64_t k, std::int64_t words, const float* a, std::int64_t row,
                 std::int64_t column, std::uint32_t* out) noexcept = nullptr;
  /// The same for n ≤ kBf16Columns columns of B: panel[q·kBf16Columns + j]. B(p, j) is b[p·row + j·column].
  void (*pack_b)(std::int64_t n, std::int64_t k, std::int64_t words, const float* b, std::int64_t row,
                 std::int64_t column, std::uint32_t* panel) noexcept = nullptr;
  void (*strip)(const Bf16Strip& strip) noexcept = nullptr;
};

/// The table in use: that of the level of kernels().
[[nodiscard]] const Bf16KernelTable& bf16_kernels();
/// Throws UnsupportedError if the level is not available.
[[nodiscard]] const Bf16KernelTable& bf16_kernels_of(Isa level);

namespace detail {
void fill_bf16_scalar(Bf16KernelTable& table) noexcept;
// In single precision only. The last two need instructions of their own besides their level's.
void fill_bf16_sse42(Bf16KernelTable& table) noexcept;
void fill_bf16_avx2(Bf16KernelTable& table) noexcept;
void fill_bf16_avx512(Bf16KernelTable& table) noexcept;
void fill_bf16_avx512bf16(Bf16KernelTable& table) noexcept;
void fill_bf16_amx(Bf16KernelTable& table) noexcept;
}  // namespace detail

}  // namespace tempera::core
