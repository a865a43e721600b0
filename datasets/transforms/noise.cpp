#include "tempera/datasets/transforms/noise.hpp"

namespace tempera::data {

void Noise::apply(const ImageView& image, const core::Random& random) const {
  for (std::int64_t i = 0; i < image.size(); ++i) {
    image.pixels[i] += static_cast<Scalar>(config_.deviation * random.normal(static_cast<std::uint64_t>(i)));
  }
}

}  // namespace tempera::data
