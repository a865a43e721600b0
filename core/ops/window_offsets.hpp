// Reading the windows of an image in place: pixel i of window j stands at rows[i] + columns[j].
#pragma once

#include <cstdint>

#include "tempera/core/cached_allocator.hpp"
#include "tempera/core/kernels/conv.hpp"
#include "tempera/core/ops/windows.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

/// The windows of one group of an image whose padding has been written out as zeros, and whose rows, where windows are several
/// columns apart, have been sorted by the remainder of the column by this stride: so the same pixel of neighbouring windows is
/// always a neighbour.
class WindowOffsets {
 public:
  explicit WindowOffsets(const Windows& windows);

  /// Whether that is another image than the given one.
  [[nodiscard]] bool is_copied() const noexcept { return w_.padding_h > 0 || w_.padding_w > 0 || step_ > 1; }
  /// Pixels of the copy.
  [[nodiscard]] std::int64_t pixels() const noexcept { return w_.channels * copied_height_ * line(); }
  /// Pixels of a row of it.
  [[nodiscard]] std::int64_t line() const noexcept { return step_ * sorted_; }
  /// Writes the copy, of pixels() elements.
  void copy(const Scalar* image, Scalar* to) const noexcept;

  [[nodiscard]] const CachedVector<std::int64_t>& rows() const noexcept { return rows_; }        ///< [w.rows()]
  [[nodiscard]] const CachedVector<std::int64_t>& columns() const noexcept { return columns_; }  ///< [w.columns()]
  /// The windows [begin, end) as runs of neighbouring pixels.
  [[nodiscard]] CachedVector<WindowRun> runs(std::int64_t begin, std::int64_t end) const;

 private:
  // Where column x of the padded image stands in a row.
  [[nodiscard]] std::int64_t place(std::int64_t x) const noexcept { return x % step_ * sorted_ + x / step_; }

  Windows w_;
  std::int64_t copied_height_;
  std::int64_t step_;    // from one window to the next; 1 where there is no next
  std::int64_t sorted_;  // columns of one remainder, of which the last may be left over
  CachedVector<std::int64_t> rows_, columns_;
};

}  // namespace tempera::core
