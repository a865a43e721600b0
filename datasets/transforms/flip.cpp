#include "tempera/datasets/transforms/flip.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tempera::data {

void flip_horizontally(const ImageView& image) {
  for (std::int64_t row = 0; row < image.channels * image.height; ++row) {
    std::reverse(image.pixels + row * image.width, image.pixels + (row + 1) * image.width);
  }
}

void flip_vertically(const ImageView& image) {
  for (std::int64_t c = 0; c < image.channels; ++c) {
    Scalar* plane = image.pixels + c * image.plane();
    for (std::int64_t y = 0; y < image.height / 2; ++y) {
      Scalar* upper = plane + y * image.width;
      std::swap_ranges(upper, upper + image.width, plane + (image.height - 1 - y) * image.width);
    }
  }
}

void Flip::Config::fields(core::FieldVisitor& v) {
  static constexpr std::array<std::string_view, 2> kAxes{"horizontal", "vertical"};
  v.choice("axis", axis, kAxes, {.help = "horizontal swaps left and right, vertical swaps top and bottom"});
  v.field("probability", probability, {.help = "share of images that are mirrored", .min = 0, .max = 1});
}

void Flip::apply(const ImageView& image, const core::Random& random) const {
  if (random.uniform(0) >= config_.probability) return;
  if (config_.axis == Axis::kHorizontal) {
    flip_horizontally(image);
  } else {
    flip_vertically(image);
  }
}

}  // namespace tempera::data
