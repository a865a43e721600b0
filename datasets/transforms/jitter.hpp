// Random shifts by whole pixels (Hinton et al. 2015 §3 use ±2 for the teacher).
#pragma once

#include <cstdint>

#include "tempera/core/fields.hpp"
#include "tempera/datasets/transform.hpp"

namespace tempera::data {

/// Moves the image right by `dx` and down by `dy` pixels (negative: left, up); what moves in is 0.
void shift_image(const ImageView& image, std::int64_t dx, std::int64_t dy);

class Jitter final : public Transform {
 public:
  struct Config {
    std::int64_t pixels = 2;
    void fields(core::FieldVisitor& v) {
      v.field("pixels", pixels,
              {.help = "largest shift in each direction; all shifts are equally likely",
               .unit = "pixels",
               .min = 0,
               .max = 1000});
    }
  };
  explicit Jitter(const Config& config) : config_(config) {}
  void apply(const ImageView& image, const core::Random& random) const override;

 private:
  Config config_;
};

}  // namespace tempera::data
