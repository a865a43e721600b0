// Batches of a split, shuffled or in order, prepared ahead by a thread of its own where more than one is allowed.
#pragma once

#include <cstdint>
#include <memory>

#include "tempera/core/batch.hpp"
#include "tempera/datasets/gather.hpp"

namespace tempera::data {

struct LoaderOptions {
  std::int64_t batch = 64;
  std::uint64_t seed = 0;  ///< of the order and of the transforms
  bool shuffle = true;     ///< another permutation in every pass; false: the order of the split
  bool drop_last = false;  ///< leave out the last batch if it is smaller
  /// Batches that may lie ready. 0 prepares each on the caller's thread when it is asked for, and so does a process that is
  /// allowed one thread (core::thread_count() when the loader is made).
  std::int64_t ahead = 4;
};

/// Batch (epoch, index) is a function of the split, the seed and the options `batch`, `shuffle`, `drop_last` and the
/// transforms, so a resumed pass goes on with the same bits, and preparing ahead changes nothing.
/// An exception of the thread (a transform of the user's may throw) comes out of next(). One thread may use a loader.
class Loader final : public core::BatchSource {
 public:
  /// Throws ConfigError for a batch below 1, ShapeError for a normalisation that does not fit the split.
  Loader(const Split& split, const Normalization& normalization, const Augmentation& augment, LoaderOptions options);
  /// For evaluation: in order, without transforms.
  Loader(const Split& split, const Normalization& normalization, std::int64_t batch);
  ~Loader() override;

  [[nodiscard]] std::int64_t samples() const override;
  [[nodiscard]] std::int64_t batches_per_epoch() const override;
  /// Throws Error unless 0 ≤ epoch and 0 ≤ first ≤ batches_per_epoch(). A pass that is under way is abandoned.
  void start(std::int64_t epoch, std::int64_t first) override;
  /// Batch::indices are numbers in the split. The batch given is recycled. Throws Error before the first start().
  [[nodiscard]] bool next(core::Batch& batch) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tempera::data
