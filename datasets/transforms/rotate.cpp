#include "tempera/datasets/transforms/rotate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tempera::data {
namespace {

/// Bilinear value of a plane at (x, y).
Scalar sample(const Scalar* plane, std::int64_t height, std::int64_t width, double x, double y) noexcept {
  const double left = std::floor(x);
  const double top = std::floor(y);
  const auto column = static_cast<std::int64_t>(left);
  const auto row = static_cast<std::int64_t>(top);
  const auto at = [&](std::int64_t r, std::int64_t c) {
    return r < 0 || r >= height || c < 0 || c >= width ? 0.0 : static_cast<double>(plane[r * width + c]);
  };
  const double upper = at(row, column) + (x - left) * (at(row, column + 1) - at(row, column));
  const double lower = at(row + 1, column) + (x - left) * (at(row + 1, column + 1) - at(row + 1, column));
  return static_cast<Scalar>(upper + (y - top) * (lower - upper));
}

}  // namespace

void rotate_image(const ImageView& image, double degrees) {
  std::copy_n(image.pixels, image.size(), image.scratch);
  const double angle = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double centre_x = static_cast<double>(image.width - 1) / 2;
  const double centre_y = static_cast<double>(image.height - 1) / 2;
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      const double dx = static_cast<double>(x) - centre_x;
      const double dy = static_cast<double>(y) - centre_y;
      const double from_x = centre_x + cosine * dx - sine * dy;
      const double from_y = centre_y + sine * dx + cosine * dy;
      for (std::int64_t c = 0; c < image.channels; ++c) {
        image.pixels[c * image.plane() + y * image.width + x] =
            sample(image.scratch + c * image.plane(), image.height, image.width, from_x, from_y);
      }
    }
  }
}

void Rotate::apply(const ImageView& image, const core::Random& random) const {
  if (config_.degrees > 0) rotate_image(image, config_.degrees * (2 * random.uniform(0) - 1));
}

}  // namespace tempera::data
