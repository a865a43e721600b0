#include "tempera/quant/engine/window.hpp"

#include <algorithm>

namespace tempera::quant::engine {

PaddedImage::PaddedImage(const Place& place, const core::Shape& shape, const std::array<std::int64_t, 2>& padding,
                         const std::array<std::int64_t, 2>& extent)
    : padding_(padding),
      image_height_(shape[1]),
      image_row_(shape[2] * shape[0]),
      channels_(shape[0]),
      height_(extent[0]),
      width_(extent[1]),
      border_(static_cast<std::int16_t>(place.zero_point - place.offset)) {}

template <class T>
const T* PaddedImage::fill(const T* image, T* padded) const noexcept {
  if (!copies()) return image;
  const T border = static_cast<T>(border_);
  const std::int64_t left = padding_[1] * channels_, right = row() - left - image_row_;
  T* y = std::fill_n(padded, padding_[0] * row(), border);
  for (std::int64_t r = 0; r < image_height_; ++r) {
    y = std::fill_n(y, left, border);
    y = std::copy_n(image + r * image_row_, image_row_, y);
    y = std::fill_n(y, right, border);
  }
  std::fill_n(y, (height_ - padding_[0] - image_height_) * row(), border);
  return padded;
}
template const std::int16_t* PaddedImage::fill(const std::int16_t*, std::int16_t*) const noexcept;
template const std::uint8_t* PaddedImage::fill(const std::uint8_t*, std::uint8_t*) const noexcept;

}  // namespace tempera::quant::engine
