#include "tempera/core/ops/winograd_images.hpp"

#include <algorithm>

#include "tempera/core/kernels/table.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"

namespace tempera::core {

WinogradWindow::WinogradWindow(const WinogradImages& images, std::int64_t kept, std::int64_t last_index,
                               std::int64_t last_row)
    : images_(images), kept_(kept), last_index_(last_index), last_row_(last_row) {
  if (!images.in_place()) copies_ = scalars(kept * images.channels * images.plane());
}

const Scalar* WinogradWindow::image(std::int64_t index) const noexcept {
  const std::int64_t size = images_.channels * images_.plane();
  if (images_.in_place()) return images_.x + index * size;
  return static_cast<const Scalar*>(copies_.data()) + index % kept_ * size;
}

const Scalar* WinogradWindow::from_row(std::int64_t index, std::int64_t row) {
  if (images_.in_place() || index == index_) return image(index);
  if (index_ < 0) first_index_ = index;
  index_ = index;
  const std::int64_t last = index == last_index_ ? last_row_ : images_.stored_h;
  Scalar* to = static_cast<Scalar*>(copies_.data()) + index % kept_ * images_.channels * images_.plane();
  // What lies around an image stays as it is when another one takes its place.
  if (index - first_index_ < kept_) std::fill_n(to, images_.channels * images_.plane(), Scalar{0});
  images_.chosen == nullptr ? copy(row, last, to) : spread(to);
  return image(index);
}

// Rows [first, last) of all channels of the current image.
void WinogradWindow::copy(std::int64_t first, std::int64_t last, Scalar* to) const {
  const WinogradImages& t = images_;
  const std::int64_t columns = std::min(t.width, t.stored_w - t.left);
  const auto relu_grad = kernels().relu_grad;
  const std::int64_t begin = std::max(first, t.top), end = std::min(last, t.top + t.height);
  for (std::int64_t c = 0; c < t.channels; ++c) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t from = ((index_ * t.channels + c) * t.height + row - t.top) * t.width;
      Scalar* line = to + c * t.plane() + row * t.stored_w + t.left;
      if (t.mask != nullptr) {
        relu_grad(columns, t.x + from, t.mask + from, line);
      } else {
        std::copy_n(t.x + from, columns, line);
      }
    }
  }
}

// All of the current image, from the gradient of its pooled pixels.
void WinogradWindow::spread(Scalar* to) const {
  const WinogradImages& t = images_;
  const PairPlane plane{t.height, t.width, t.stored_w};
  for (std::int64_t c = 0; c < t.channels; ++c) {
    const std::int64_t from = (index_ * t.channels + c) * plane.windows();
    kernels().pool_pairs_grad(plane, t.x + from, t.chosen + from, to + c * t.plane() + t.top * t.stored_w + t.left);
  }
}

}  // namespace tempera::core
