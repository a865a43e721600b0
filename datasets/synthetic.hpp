// Sets made of random numbers: for tests, for trying things out, and for machines without data. Their content is a
// function of their configuration alone. Sample i of blobs and digits is of class i mod classes.
#pragma once

#include "tempera/datasets/config.hpp"
#include "tempera/datasets/dataset.hpp"

namespace tempera::data {

/// synthetic_blobs (floats): every pixel of a class's centre is uniform in [0, 1], a sample is its centre plus Gaussian
/// noise. synthetic_digits and synthetic_random are bytes. Throws ConfigError for a set that is not synthetic, or one
/// larger than kMaxFileBytes. The whole training set is in `train`; validation is empty.
[[nodiscard]] Dataset make_synthetic(SetName set, const SyntheticConfig& config);

/// Draws the seven-segment picture of `digit` into bytes [height, width] that are 0: inside the rectangle given by its
/// left, top, width and height in pixels, with strokes `thickness` wide, in the given brightness.
struct SegmentBox {
  double left, top, width, height, thickness;
};
void draw_segments(std::span<std::uint8_t> plane, std::int64_t plane_width, int digit, const SegmentBox& box,
                   std::uint8_t brightness);

}  // namespace tempera::data
