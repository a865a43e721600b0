// An image with a border of padding, channels together.
#pragma once

#include <cstdint>

#include "tempera/quant/engine/step.hpp"

namespace tempera::quant::engine {

/// Copies images [h, w, c] into a frame of cells that stand for the zero point. Without padding the image stays where it
/// is.
class PaddedImage {
 public:
  /// `extent`: height and width with the padding, and with as much more below and on the right as is wanted.
  PaddedImage(const Place& place, const core::Shape& shape, const std::array<std::int64_t, 2>& padding,
              const std::array<std::int64_t, 2>& extent);
  PaddedImage(const Place& place, const core::Shape& shape, const std::array<std::int64_t, 2>& padding)
      : PaddedImage(place, shape, padding, {shape[1] + 2 * padding[0], shape[2] + 2 * padding[1]}) {}

  [[nodiscard]] std::int64_t row() const noexcept { return width_ * channels_; }  ///< values of a row
  /// With some of what may be read beyond the last; a scratch has the rest behind all of its parts.
  [[nodiscard]] std::int64_t values() const noexcept { return height_ * row() + 32; }
  [[nodiscard]] bool copies() const noexcept { return height_ > image_height_ || row() > image_row_; }
  template <class T>  // int16 or uint8, as the place holds them
  [[nodiscard]] const T* fill(const T* image, T* padded) const noexcept;

 private:
  std::array<std::int64_t, 2> padding_;
  std::int64_t image_height_, image_row_, channels_, height_, width_;
  std::int16_t border_;
};

extern template const std::int16_t* PaddedImage::fill(const std::int16_t*, std::int16_t*) const noexcept;
extern template const std::uint8_t* PaddedImage::fill(const std::uint8_t*, std::uint8_t*) const noexcept;

}  // namespace tempera::quant::engine
