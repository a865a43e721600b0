// Cutout (DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with cutout").
#pragma once

#include <cstdint>

#include "tempera/core/fields.hpp"
#include "tempera/datasets/transform.hpp"

namespace tempera::data {

/// Sets to 0, in all channels, the square of `size` pixels whose middle (rounded up and left) is (x, y); what lies outside
/// of the image is cut off.
void blank_square(const ImageView& image, std::int64_t x, std::int64_t y, std::int64_t size);

class Cutout final : public Transform {
 public:
  struct Config {
    std::int64_t size = 8;
    double probability = 1;
    void fields(core::FieldVisitor& v) {
      v.field("size", size, {.help = "side of the blanked square", .unit = "pixels", .min = 1, .max = 1000});
      v.field("probability", probability, {.help = "share of images that get one", .min = 0, .max = 1});
    }
  };
  explicit Cutout(const Config& config) : config_(config) {}
  void apply(const ImageView& image, const core::Random& random) const override;

 private:
  Config config_;
};

}  // namespace tempera::data
