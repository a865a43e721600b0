// Samples of a batch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tempera/core/batch.hpp"

namespace tempera::quant {

/// Samples [begin, end) of x [batch, …].
[[nodiscard]] inline core::Tensor slice(const core::Tensor& x, std::int64_t begin, std::int64_t end) {
  const core::Shape sample = x.shape().without_batch();
  const auto each = static_cast<std::size_t>(sample.numel());
  return core::Tensor(sample.with_batch(end - begin), x.values().subspan(static_cast<std::size_t>(begin) * each,
                                                                         static_cast<std::size_t>(end - begin) * each));
}

/// The batch, or its first `images` samples if it has more.
[[nodiscard]] inline core::Batch first_of(const core::Batch& batch, std::int64_t images) {
  if (batch.size() <= images) return batch;
  const auto n = static_cast<std::size_t>(images);
  return {.inputs = slice(batch.inputs, 0, images),
          .labels = {batch.labels.begin(), batch.labels.begin() + images},
          .indices = {batch.indices.begin(),
                      batch.indices.begin() + static_cast<std::ptrdiff_t>(std::min(n, batch.indices.size()))}};
}

/// fn(batch) for the batches of pass 0 that hold the first `images` samples, the last cut to them.
template <class Fn>
void for_first_images(core::BatchSource& source, std::int64_t images, const Fn& fn) {
  core::Batch batch;
  source.start(0, 0);
  for (std::int64_t left = images; left > 0 && source.next(batch); left -= batch.size()) fn(first_of(batch, left));
}

}  // namespace tempera::quant
