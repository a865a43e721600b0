// A data set in memory: training, validation and test samples, and what they are called.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/datasets/pixels.hpp"

namespace tempera::data {

using Labels = std::shared_ptr<const std::vector<std::int32_t>>;

/// Some of the samples of a store, in an order. Copies and subsets share the store.
class Split {
 public:
  Split() = default;
  /// All samples of a store. Throws DataError unless there is one label per image.
  Split(Pixels pixels, std::vector<std::int32_t> labels);
  /// The samples of `whole` at those positions (of `whole`), in that order. Throws ShapeError for one outside of it.
  [[nodiscard]] Split subset(const std::vector<std::int64_t>& positions) const;
  /// The first `count` samples, or all if there are fewer.
  [[nodiscard]] Split first(std::int64_t count) const;

  [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(positions_.size()); }
  [[nodiscard]] const Pixels& pixels() const noexcept { return pixels_; }
  /// Where the i-th sample of this split lies in the store (its number in the file it came from).
  [[nodiscard]] std::int64_t position(std::int64_t i) const noexcept { return positions_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] std::int32_t label(std::int64_t i) const noexcept {
    return (*labels_)[static_cast<std::size_t>(position(i))];
  }
  /// The i-th image [channels, height, width] in units of full scale (byte 255 is 1), not normalised: for pictures.
  [[nodiscard]] core::Tensor image(std::int64_t i) const;

 private:
  Pixels pixels_;
  Labels labels_;
  std::vector<std::int64_t> positions_;
};

/// A set as a run uses it.
struct Dataset {
  std::string name;                  ///< "mnist"
  std::vector<std::string> classes;  ///< one name per class
  Split train, validation, test;
  std::string sha256;       ///< of the content (see content_hash): the same for equal samples wherever they came from
  std::string origin;       ///< where it was found, in words: "/data/mnist (TEMPERA_DATA)"
  std::string passed_over;  ///< why it was not found in data.dir, to be said aloud; empty where that is no surprise

  /// [channels, height, width]
  [[nodiscard]] const core::Shape& sample() const noexcept { return train.pixels().sample(); }
};

/// Throws DataError unless every label is in [0, classes). `header` is the byte at which the first label stands in
/// `file`, `width` the bytes of a label.
void check_labels(const std::vector<std::int32_t>& labels, std::int64_t classes, const std::string& file,
                  std::int64_t header, std::int64_t width);

/// SHA-256 over the extents, pixels and labels of training and test samples, before validation is carved.
[[nodiscard]] std::string content_hash(const Split& train, const Split& test);

/// Moves `count` samples from training to validation: the first `count` of a fixed permutation that is the same for
/// every run's seed (so that runs stay comparable) and serves files that are sorted by class as well; both parts keep
/// the order of the file. Throws ConfigError (/data/validation) unless at least one training sample remains.
void carve_validation(Dataset& set, std::int64_t count);

}  // namespace tempera::data
