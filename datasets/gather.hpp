// Puts chosen samples together into a batch of network inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tempera/core/batch.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/datasets/dataset.hpp"
#include "tempera/datasets/normalization.hpp"
#include "tempera/datasets/transform.hpp"

namespace tempera::data {

/// Transforms as a config lists them.
using Augmentation = std::vector<core::Clonable<>>;

/// Not for use by several threads at once: it owns the memory that transforms work in.
class Gather {
 public:
  /// Throws ShapeError unless the normalisation has one scale and shift per channel of the split.
  Gather(Split split, const Normalization& normalization, const Augmentation& augment, std::uint64_t seed);

  /// Makes `batch` out of those samples (numbers in the split) of pass `epoch`. Without transforms bytes go straight into
  /// the batch: one read, one multiply-add, one write a pixel.
  void fill(std::int64_t epoch, std::span<const std::int64_t> samples, core::Batch& batch);

  [[nodiscard]] const Split& split() const noexcept { return split_; }

 private:
  void prefetch(std::int64_t sample) const noexcept;
  void store(std::int64_t sample, Scalar* out) const;
  void store_augmented(std::int64_t epoch, std::int64_t sample, Scalar* out);

  Split split_;
  std::vector<Scalar> scale_, shift_;  // of stored pixels, by channel
  std::vector<std::unique_ptr<Transform>> transforms_;
  core::Random random_;
  std::vector<Scalar> scratch_;
};

}  // namespace tempera::data
