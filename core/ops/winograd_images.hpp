// The images that a Winograd pass reads its tiles from.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/core/scalar.hpp"
#include "tempera/core/storage.hpp"

namespace tempera::core {

/// Planes of height × width of every image, of which a pass reads stored_h × stored_w from (−top, −left) on: zeros lie
/// around the image. `mask`: of x's shape, or null; where it is not positive x counts as 0. `chosen`: null, or x is a PairGradient,
/// whose planes, spread, lie within those stored.
struct WinogradImages {
  const Scalar *x, *mask, *chosen;
  std::int64_t channels, height, width;
  std::int64_t top, left, stored_h, stored_w;

  [[nodiscard]] bool in_place() const noexcept {
    return mask == nullptr && chosen == nullptr && top == 0 && left == 0 && stored_h == height && stored_w == width;
  }
  [[nodiscard]] std::int64_t plane() const noexcept { return stored_h * stored_w; }
};

/// Images as they are asked for, in rising order; where they cannot be read in place, copies with zeros around them, of which
/// the last `kept` stay. An image is copied at once, for the processor foresees long rows only.
class WinogradWindow {
 public:
  /// Nothing is asked for past row `last_row` of image `last_index`.
  WinogradWindow(const WinogradImages& images, std::int64_t kept, std::int64_t last_index, std::int64_t last_row);

  /// First of the image's stored pixels, of which those from `row` on are there. The first row asked for of an image is
  /// its lowest.
  [[nodiscard]] const Scalar* from_row(std::int64_t index, std::int64_t row);
  /// First of the stored pixels of an image that is still kept.
  [[nodiscard]] const Scalar* image(std::int64_t index) const noexcept;

 private:
  void copy(std::int64_t first, std::int64_t last, Scalar* to) const;
  void spread(Scalar* to) const;

  const WinogradImages& images_;
  std::int64_t kept_, last_index_, last_row_;
  std::int64_t index_ = -1, first_index_ = 0;  ///< of the images asked for
  Storage copies_;
};

}  // namespace tempera::core
