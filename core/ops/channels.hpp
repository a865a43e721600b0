// A tensor [batch, channels, …] seen as [batch, channels, cells], and loops over it.
#pragma once

#include <algorithm>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/lanes.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {

struct ChannelGrid {
  std::int64_t batch = 0, channels = 0, cells = 1;

  /// Values of one channel.
  [[nodiscard]] std::int64_t count() const noexcept { return batch * cells; }

  /// [channels]: Σ over batch and cells of term(offset, channel), in an order that depends on the grid alone.
  template <class Term>
  [[nodiscard]] Tensor sum(Term term) const {
    Tensor sums = Tensor::zeros({channels});
    Scalar* out = sums.mutable_data();
    if (cells == 1) {
      for (std::int64_t n = 0; n < batch; ++n) {
        for (std::int64_t c = 0; c < channels; ++c) out[c] += term(n * channels + c, c);
      }
      return sums;
    }
    parallel_for(channels, std::max<std::int64_t>(1, kLightGrain / std::max<std::int64_t>(1, count())),
                 [=, this](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t c = begin; c < end; ++c) {
                     for (std::int64_t n = 0; n < batch; ++n) {
                       const std::int64_t at = (n * channels + c) * cells;
                       out[c] += lane_sum(cells, [=](std::int64_t i) { return term(at + i, c); });
                     }
                   }
                 });
    return sums;
  }

  /// Calls fn(offset, channel) for every element.
  template <class Fn>
  void for_each(Fn fn) const {
    parallel_for(batch, std::max<std::int64_t>(1, kLightGrain / std::max<std::int64_t>(1, channels * cells)),
                 [=, this](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t n = begin; n < end; ++n) visit_sample(n, fn);
                 });
  }

 private:
  template <class Fn>
  void visit_sample(std::int64_t n, Fn fn) const {
    const std::int64_t at = n * channels * cells;
    if (cells == 1) {
      for (std::int64_t c = 0; c < channels; ++c) fn(at + c, c);
      return;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t i = 0; i < cells; ++i) fn(at + c * cells + i, c);
    }
  }
};

}  // namespace tempera::core
