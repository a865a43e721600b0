// Random rotations with bilinear interpolation.
#pragma once

#include "tempera/core/fields.hpp"
#include "tempera/datasets/transform.hpp"

namespace tempera::data {

/// Turns the image counter-clockwise (as seen, rows running downwards) about the centre ((width−1)/2, (height−1)/2).
/// A pixel takes the bilinear mean of the four that surround the place it came from; places outside count as 0.
void rotate_image(const ImageView& image, double degrees);

class Rotate final : public Transform {
 public:
  struct Config {
    double degrees = 10;
    void fields(core::FieldVisitor& v) {
      v.field("degrees", degrees,
              {.help = "largest angle; angles are uniform in ±degrees", .unit = "degrees", .min = 0, .max = 180});
    }
  };
  explicit Rotate(const Config& config) : config_(config) {}
  void apply(const ImageView& image, const core::Random& random) const override;

 private:
  Config config_;
};

}  // namespace tempera::data
