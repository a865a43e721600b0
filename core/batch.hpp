// What flows from a data set into a training loop.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/core/tensor.hpp"

namespace tempera::core {

/// Samples that go through the network together.
struct Batch {
  Tensor inputs;                      ///< [batch, sample shape…], normalised
  std::vector<std::int32_t> labels;   ///< [batch], class of each sample
  std::vector<std::int64_t> indices;  ///< [batch], position of each sample in its set (for caches keyed by sample)

  [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(labels.size()); }
};

/// Batches of one pass over a data set, addressed by position, so that a resumed run sees what an uninterrupted one
/// would: batch (epoch, index) depends on the seed and on nothing drawn before.
class BatchSource {
 public:
  BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;
  virtual ~BatchSource() = default;

  [[nodiscard]] virtual std::int64_t samples() const = 0;            ///< samples in a pass
  [[nodiscard]] virtual std::int64_t batches_per_epoch() const = 0;  ///< the last one may be smaller
  /// Starts (and may prefetch) the pass `epoch` (0-based) at batch `first`.
  virtual void start(std::int64_t epoch, std::int64_t first) = 0;
  /// Fills `batch` with the next one; false at the end of the pass.
  [[nodiscard]] virtual bool next(Batch& batch) = 0;
};

}  // namespace tempera::core
