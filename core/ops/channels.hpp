// A tensor [batch, channels, …] seen as [batch, channels, cells], and its parts for several threads.
#pragma once

#include <algorithm>

#include "tempera/core/integers.hpp"
#include "tempera/core/kernels/channels.hpp"
#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {

struct ChannelGrid {
  std::int64_t batch = 0, channels = 0, cells = 1;

  /// Values of one channel.
  [[nodiscard]] std::int64_t count() const noexcept { return batch * cells; }
  [[nodiscard]] std::int64_t sample() const noexcept { return channels * cells; }

  /// Calls fn(block, first channel, offset of the block's first value) for blocks of some of the channels of all samples.
  template <class Fn>
  void by_channels(Fn fn) const {
    constexpr std::int64_t kVectors = 64;  // channels whose values are neighbours
    const std::int64_t grain = std::max<std::int64_t>(1, kLightGrain / std::max<std::int64_t>(1, count()));
    parallel_for(channels, cells == 1 ? round_up(grain, kVectors) : grain,
                 [=, this](std::int64_t begin, std::int64_t end) {
                   fn(ChannelBlock{batch, end - begin, cells, sample()}, begin, begin * cells);
                 });
  }

  /// Calls fn(block, offset of the block's first value) for blocks of all channels of some samples.
  template <class Fn>
  void by_samples(Fn fn) const {
    parallel_for(batch, std::max<std::int64_t>(1, kLightGrain / std::max<std::int64_t>(1, sample())),
                 [=, this](std::int64_t begin, std::int64_t end) {
                   fn(ChannelBlock{end - begin, channels, cells, sample()}, begin * sample());
                 });
  }
};

}  // namespace tempera::core
