// Random changes of training images. Transforms act on one image in units of full scale (a byte of 255 is 1, floats are
// taken as they are), before it is normalised, so that their parameters and the 0 they fill with do not depend on the
// normalisation. Evaluation never uses them.
#pragma once

#include <cstdint>

#include "tempera/core/random.hpp"
#include "tempera/core/registry.hpp"
#include "tempera/core/scalar.hpp"

namespace tempera::data {

/// One image [channels, height, width], contiguous, and as much memory again to work in.
struct ImageView {
  Scalar* pixels;
  Scalar* scratch;
  std::int64_t channels, height, width;

  [[nodiscard]] std::int64_t plane() const noexcept { return height * width; }
  [[nodiscard]] std::int64_t size() const noexcept { return channels * plane(); }
};

/// A transform may draw from `random` only, which belongs to (seed, epoch, sample, place in the list): what it does to an
/// image then depends neither on threads nor on the batch the image is in.
class Transform {
 public:
  Transform() = default;
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
  virtual ~Transform() = default;
  virtual void apply(const ImageView& image, const core::Random& random) const = 0;
};

using TransformRegistry = core::Registry<Transform>;

/// The transforms this program knows: those of builtin_transforms.def and what it adds before reading a config:
/// `transforms().add<MyTransform>("my_transform", "what it does")`.
[[nodiscard]] TransformRegistry& transforms();

}  // namespace tempera::data
