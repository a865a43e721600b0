// Random mirror images.
#pragma once

#include <cstddef>

#include "tempera/core/fields.hpp"
#include "tempera/datasets/transform.hpp"

namespace tempera::data {

/// Reverses every row.
void flip_horizontally(const ImageView& image);
/// Reverses the order of the rows.
void flip_vertically(const ImageView& image);

class Flip final : public Transform {
 public:
  enum class Axis { kHorizontal, kVertical };
  struct Config {
    Axis axis = Axis::kHorizontal;
    double probability = 0.5;
    void fields(core::FieldVisitor& v);
  };
  explicit Flip(const Config& config) : config_(config) {}
  void apply(const ImageView& image, const core::Random& random) const override;

 private:
  Config config_;
};

}  // namespace tempera::data
