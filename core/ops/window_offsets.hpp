// Reading the windows of an image in place: pixel i of window j stands at rows[i] + columns[j].
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/core/kernels/conv.hpp"
#include "tempera/core/ops/windows.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

/// The windows of one group of an image whose padding has been written out as zeros.
class WindowOffsets {
 public:
  explicit WindowOffsets(const Windows& windows);

  [[nodiscard]] bool is_padded() const noexcept { return padded_height_ != w_.height || padded_width_ != w_.width; }
  /// Pixels of the padded image.
  [[nodiscard]] std::int64_t pixels() const noexcept { return w_.channels * padded_height_ * padded_width_; }
  /// Copies the image into one with padding; `padded` has pixels() elements.
  void pad(const Scalar* image, Scalar* padded) const noexcept;

  [[nodiscard]] const std::vector<std::int64_t>& rows() const noexcept { return rows_; }        ///< [w.rows()]
  [[nodiscard]] const std::vector<std::int64_t>& columns() const noexcept { return columns_; }  ///< [w.columns()]
  /// The windows [begin, end) as runs of neighbouring pixels.
  [[nodiscard]] std::vector<WindowRun> runs(std::int64_t begin, std::int64_t end) const;

 private:
  Windows w_;
  std::int64_t padded_height_, padded_width_;
  std::vector<std::int64_t> rows_, columns_;
};

}  // namespace tempera::core
