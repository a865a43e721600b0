// Integer kernels: dot products of activations and weights into int32, and what surrounds them. Every level gives the same
// bits. Sums wrap modulo 2^32, so whoever calls proves that results fit (quant::check).
#pragma once

#include <cstdint>

#include "tempera/core/kernels/table.hpp"

namespace tempera::core {

/// Steps of a dot product, rising.
struct StepList {
  std::int64_t count = 0;
  const std::int32_t* steps = nullptr;
};

/// C(i, j) = bias[i · bias_row + j] + Σ over segments and steps of A·B. A step takes 4 bytes of a row of A, two int16 or four
/// uint8, and as many weights of each column: panel[segment · steps + step][column][2 or 4]. A row of A is pieces of
/// 4·steps bytes, `a_segment` bytes apart, so that windows of an image need not be copied. All `columns` values of a row of
/// C may be written.
struct DotTile {
  std::int64_t m = 0, n = 0;  ///< any number of rows; columns ≤ IntKernelTable::columns
  std::int64_t segments = 1, steps = 0;
  const void* const* a = nullptr;  ///< [m], where each row begins; no alignment
  std::int64_t a_segment = 0;      ///< bytes
  /// For each IntKernelTable::rows rows the steps to take instead of all, where those rows are 0 in the others. Of one segment and
  /// pairs.
  const StepList* lists = nullptr;
  const void* panel = nullptr;
  const std::int32_t* bias = nullptr;  ///< [columns], or with bias_row = columns [m, columns]; may be c
  std::int64_t bias_row = 0;
  std::int32_t* c = nullptr;
  std::int64_t c_row = 0;  ///< values from a row of C to the next; 0: columns
  /// More than 1 with dot_quads alone, which then gets ready but once. `n` is of the last one; the biases of a panel follow
  /// those of the one before it, which bias_row = 0 presumes. C is `c_panel` values further on, or with 0 m rows.
  std::int64_t panels = 1, panel_bytes = 0, c_panel = 0;
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
  std::int32_t low = 0, high = 0, offset = 0;                       ///< results fit what is written
  void* y = nullptr;                                                ///< int16 or uint8
  std::int64_t y_row = 0;                                           ///< values
};

/// Windows over an image whose channels stand together: output o of `count` reads x[o · step + offsets[k] + channel] for
/// k < cells.
struct ChannelWindows {
  std::int64_t count = 0, channels = 0, step = 0, cells = 0;
  const std::int64_t* offsets = nullptr;
  const std::int16_t* x = nullptr;
};

/// Windows written out: row i of `to` is rows · columns runs of `bytes` bytes, that in row r and column c from a[i] +
/// first + r · row_step + c · column_step on.
struct WindowCopies {
  std::int64_t m = 0;
  const void* const* a = nullptr;
  std::int64_t first = 0, rows = 1, row_step = 0, columns = 1, column_step = 0, bytes = 0;  ///< steps are in bytes
  void* to = nullptr;
  std::int64_t to_row = 0;  ///< bytes
};

/// Minimal filtering: four neighbouring outputs of a filter of three or five taps from 6 or 8 products instead of 12 or
/// 20, in integers throughout (kernels/int_filters.ipp has the matrices and why it is exact).
enum class MinimalFilter : std::uint8_t { kThree, kFive };

/// y[r · y_run + k · y_step + c] = Σ_i B[k][i] · x[r · x_run + i · x_step + c] for c < width: transformed inputs, which fit int16.
struct FilterInputs {
  std::int64_t runs = 0, width = 0;
  const std::int16_t* x = nullptr;
  std::int64_t x_run = 0, x_step = 0;
  std::int16_t* y = nullptr;
  std::int64_t y_run = 0, y_step = 0;
};

/// Four outputs, y[t · y_tile + o · y_step + c], from the products of a tile, x[k · x_step + t · columns + c]. In two
/// dimensions k is a row of x_line values for each of the taps' rows, and so is o, of y_line values.
struct FilterOutputs {
  std::int64_t tiles = 0;
  const std::int32_t* x = nullptr;
  std::int64_t x_line = 0, x_step = 0;
  std::int32_t* y = nullptr;
  std::int64_t y_tile = 0, y_line = 0, y_step = 0;
};

/// y[o][c] = the largest of x[o · 2 + {0, 1}][c] and the same of the row `x_row` values further on, c < columns.
struct PooledSums {
  std::int64_t count = 0;
  const std::int32_t* x = nullptr;
  std::int64_t x_row = 0;
  std::int32_t* y = nullptr;
};

/// y[i · y_row + j] = c[i · c_row + j] − offset, modulo 2^32, for j < n.
struct WideSums {
  std::int64_t m = 0, n = 0;
  const std::int32_t* c = nullptr;
  std::int64_t c_row = 0;
  std::int32_t offset = 0;
  std::int32_t* y = nullptr;
  std::int64_t y_row = 0;
};

struct IntKernelTable {
  Isa level = Isa::kScalar;
  std::int64_t rows = 0, columns = 0;  ///< of a tile; columns are a multiple of 2
  std::int64_t quad_rows = 0;          ///< rows of a tile of dot_quads
  std::int64_t quad_depth = 1;         ///< steps that an instruction of dot_quads takes at most; see quad_steps
  std::int64_t quad_gain = 0;          ///< how many products of dot_quads take the time of one of dot_pairs

  void (*dot_pairs)(const DotTile& tile) noexcept;     ///< int16 · int16
  void (*dot_pairs_s8)(const DotTile& tile) noexcept;  ///< int16 · int8
  void (*dot_quads)(const DotTile& tile) noexcept;     ///< uint8 · int8; null below avx512vnni
  void (*dot_sparse)(const SparseRow& row) noexcept;
  void (*filter_inputs[2])(const FilterInputs& runs) noexcept;     ///< by MinimalFilter
  void (*filter_outputs[2])(const FilterOutputs& tiles) noexcept;  ///< of three taps in two dimensions, of five in one
  void (*pool_sums)(const PooledSums& sums) noexcept;
  void (*requant)(const RequantTile& tile) noexcept;     ///< into int16
  void (*requant_u8)(const RequantTile& tile) noexcept;  ///< null where dot_quads is
  void (*wide_sums)(const WideSums& sums) noexcept;
  /// y = clamp(round half to even(x / scale), low, high) + offset; NaN counts as 0. low, high are whole numbers.
  void (*quantize_s16)(std::int64_t n, const Scalar* x, float scale, float low, float high, std::int32_t offset,
                       std::int16_t* y) noexcept;
  /// The same for results that fit uint8. Null where dot_quads is.
  void (*quantize_u8)(std::int64_t n, const Scalar* x, float scale, float low, float high, std::int32_t offset,
                      std::uint8_t* y) noexcept;
  /// y = x + shift, which fits int16.
  void (*widen_u8)(std::int64_t n, const std::uint8_t* x, std::int32_t shift, std::int16_t* y) noexcept;
  /// y = x + shift, which fits uint8.
  void (*narrow_u8)(std::int64_t n, const std::int16_t* x, std::int32_t shift, std::uint8_t* y) noexcept;
  void (*copy_windows)(const WindowCopies& copies) noexcept;
  /// y[o · channels + c] = the largest of its window.
  void (*max_windows)(const ChannelWindows& windows, std::int16_t* y) noexcept;
  /// y[o · channels + c] = bias[c] + Σ_k x · weight[k · channels + c].
  void (*dot_windows)(const ChannelWindows& windows, const std::int16_t* weight, const std::int32_t* bias,
                      std::int32_t* y) noexcept;
};

/// As many steps of a segment as whole instructions take that hold `steps`; of several segments, as instructions of equal depth
/// take. dot_quads is fastest on panels that are filled up to these with zeros, and on rows that are readable as far and lie in
/// equal distances; and if panels and rows begin at whole 64 bytes.
[[nodiscard]] std::int64_t quad_steps(const IntKernelTable& table, std::int64_t segments, std::int64_t steps) noexcept;

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
