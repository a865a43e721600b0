// Additive Gaussian noise. Values may leave [0, 1]: clamping would shift the mean of dark and of bright pixels.
#pragma once

#include "tempera/core/fields.hpp"
#include "tempera/datasets/transform.hpp"

namespace tempera::data {

class Noise final : public Transform {
 public:
  struct Config {
    double deviation = 0.1;
    void fields(core::FieldVisitor& v) {
      v.field(
          "deviation", deviation,
          {.help = "standard deviation", .unit = "full scale (the step from black to white)", .min = 0, .max = 100});
    }
  };
  explicit Noise(const Config& config) : config_(config) {}
  void apply(const ImageView& image, const core::Random& random) const override;

 private:
  Config config_;
};

}  // namespace tempera::data
