// Integer kernels: dot products of activations and weights into int32, and what surrounds them. Every level gives the same
// bits. Sums wrap modulo 2^32, so whoever calls proves that results fit (quant::check).
#pragma once

#include <cstdint>

#include "tempera/core/kernels/table.hpp"

namespace tempera::core {

/// C(i, j) = bias[j] + Σ over segments and steps of A·B. A step takes 4 bytes of a row of A, two int16 or four uint8, and
/// as many weights of each column: panel[segment · steps + step][column][2 or 4]. A row of A is pieces of 4·steps bytes,
/// `a_segment` bytes apart, so that windows of an image need not be copied. c must hold whole rows of `columns` values.
struct DotTile {
  std::int64_t m = 0, n = 0;  ///< rows ≤ IntKernelTable::rows, columns ≤ IntKernelTable::columns
  std::int64_t segments = 1, steps = 0;
  const void* const* a = nullptr;  ///< [m], where each row begins; no alignment
  std::int64_t a_segment = 0;      ///< bytes
  const void* panel = nullptr;
  const std::int32_t* bias = nullptr;  ///< [columns]
  std::int32_t* c = nullptr;           ///< [m, columns]
};

/// One row of which only the steps that are not all 0 are listed, times some panels of int8 pairs: c[panel][column].
struct SparseRow {
  std::int64_t count = 0;
  const std::int32_t* steps = nullptr;   ///< [count], rising
  const std::int32_t* values = nullptr;  ///< [count], two int16 each
  std::int64_t panels = 0;
  const std::int8_t* panel = nullptr;
  std::int64_t panel_bytes = 0;        ///< from a panel to the next
  const std::int32_t* bias = nullptr;  ///< [panels · columns]
  std::int32_t* c = nullptr;           ///< [panels · columns]
};

/// y = clamp(round_half_away(c · multiplier / 2^count), low, high) + offset, for n columns of m rows; multipliers lie in
/// [2^30, 2^31) and counts in [31, 64]. Columns 2i stand in the `even` lists at i, columns 2i + 1 in the `odd` ones; all
/// lists are as long as whole vectors need, that is, as for n rounded up to `columns`.
struct RequantTile {
  std::int64_t m = 0, n = 0;
  const std::int32_t* c = nullptr;  ///< [m, c_row]; readable up to n rounded up to `columns`
  std::int64_t c_row = 0;
  const std::int32_t* multiplier = nullptr;
  const std::uint64_t *half_even = nullptr, *half_odd = nullptr;    ///< 2^(count − 1)
  const std::uint64_t *count_even = nullptr, *count_odd = nullptr;  ///< 31 + shift
  std::int32_t low = 0, high = 0, offset = 0;                       ///< results fit int16
  std::int16_t* y = nullptr;
  std::int64_t y_row = 0;
};

/// Windows over an image whose channels stand together: output o of `count` reads x[o · step + offsets[k] + channel] for
/// k < cells.
struct ChannelWindows {
  std::int64_t count = 0, channels = 0, step = 0, cells = 0;
  const std::int64_t* offsets = nullptr;
  const std::int16_t* x = nullptr;
};

struct IntKernelTable {
  Isa level = Isa::kScalar;
  std::int64_t rows = 0, columns = 0;  ///< of a tile; columns are a multiple of 2
  std::int64_t quad_rows = 0;          ///< rows of a tile of dot_quads

  void (*dot_pairs)(const DotTile& tile) noexcept;     ///< int16 · int16
  void (*dot_pairs_s8)(const DotTile& tile) noexcept;  ///< int16 · int8
  void (*dot_quads)(const DotTile& tile) noexcept;     ///< uint8 · int8; null below avx512vnni
  void (*dot_sparse)(const SparseRow& row) noexcept;
  void (*requant)(const RequantTile& tile) noexcept;
  /// y = clamp(round half to even(x / scale), low, high) + offset; NaN counts as 0. low, high are whole numbers.
  void (*quantize_s16)(std::int64_t n, const Scalar* x, float scale, float low, float high, std::int32_t offset,
                       std::int16_t* y) noexcept;
  /// y = x + shift, which fits uint8.
  void (*narrow_u8)(std::int64_t n, const std::int16_t* x, std::int32_t shift, std::uint8_t* y) noexcept;
  /// y[o · channels + c] = the largest of its window.
  void (*max_windows)(const ChannelWindows& windows, std::int16_t* y) noexcept;
  /// y[o · channels + c] = bias[c] + Σ_k x · weight[k · channels + c].
  void (*dot_windows)(const ChannelWindows& windows, const std::int16_t* weight, const std::int32_t* bias,
                      std::int32_t* y) noexcept;
};

/// The table in use: that of the level of kernels().
[[nodiscard]] const IntKernelTable& int_kernels();
/// Throws UnsupportedError if the level is not available.
[[nodiscard]] const IntKernelTable& int_kernels_of(Isa level);

namespace detail {
void fill_int_scalar(IntKernelTable& table) noexcept;
// In single precision only.
void fill_int_sse42(IntKernelTable& table) noexcept;
void fill_int_avx2(IntKernelTable& table) noexcept;
void fill_int_avx512(IntKernelTable& table) noexcept;
void fill_int_avx512vnni(IntKernelTable& table) noexcept;
void fill_int_amx(IntKernelTable& table) noexcept;
}  // namespace detail

}  // namespace tempera::core
