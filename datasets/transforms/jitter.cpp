#include "tempera/datasets/transforms/jitter.hpp"

#include <algorithm>

namespace tempera::data {

void shift_image(const ImageView& image, std::int64_t dx, std::int64_t dy) {
  std::copy_n(image.pixels, image.size(), image.scratch);
  std::fill_n(image.pixels, image.size(), Scalar{0});
  const std::int64_t first = std::max<std::int64_t>(dx, 0);
  const std::int64_t columns = std::min(image.width, image.width + dx) - first;
  if (columns <= 0) return;
  for (std::int64_t c = 0; c < image.channels; ++c) {
    for (std::int64_t y = std::max<std::int64_t>(dy, 0); y < std::min(image.height, image.height + dy); ++y) {
      const std::int64_t to = (c * image.height + y) * image.width + first;
      std::copy_n(image.scratch + to - dy * image.width - dx, columns, image.pixels + to);
    }
  }
}

void Jitter::apply(const ImageView& image, const core::Random& random) const {
  const auto range = static_cast<std::uint64_t>(2 * config_.pixels + 1);
  const auto dx = static_cast<std::int64_t>(random.below(0, range)) - config_.pixels;
  const auto dy = static_cast<std::int64_t>(random.below(1, range)) - config_.pixels;
  if (dx != 0 || dy != 0) shift_image(image, dx, dy);
}

}  // namespace tempera::data
