#include "tempera/datasets/transforms/cutout.hpp"

#include <algorithm>

namespace tempera::data {

void blank_square(const ImageView& image, std::int64_t x, std::int64_t y, std::int64_t size) {
  const std::int64_t left = std::max<std::int64_t>(x - size / 2, 0);
  const std::int64_t top = std::max<std::int64_t>(y - size / 2, 0);
  const std::int64_t right = std::min(x - size / 2 + size, image.width);
  const std::int64_t bottom = std::min(y - size / 2 + size, image.height);
  for (std::int64_t c = 0; c < image.channels; ++c) {
    for (std::int64_t row = top; row < bottom; ++row) {
      Scalar* line = image.pixels + (c * image.height + row) * image.width;
      std::fill(line + left, line + std::max(left, right), Scalar{0});
    }
  }
}

void Cutout::apply(const ImageView& image, const core::Random& random) const {
  if (random.uniform(0) >= config_.probability) return;
  const auto x = static_cast<std::int64_t>(random.below(1, static_cast<std::uint64_t>(image.width)));
  const auto y = static_cast<std::int64_t>(random.below(2, static_cast<std::uint64_t>(image.height)));
  blank_square(image, x, y, config_.size);
}

}  // namespace tempera::data
