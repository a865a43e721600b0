// Where the engine keeps each buffer of a program, and in which form.
//
// Activations are int16, v = q − offset, with the zero point as offset wherever that fits: then padding and what ReLU cut
// off are 0, and the dot products need no correction. Images [c, h, w] lie as [h, w, c], so that a window is a few contiguous runs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tempera/quant/program.hpp"

namespace tempera::quant::engine {

/// A buffer's place for each sample of a group.
struct Place {
  bool wide = false;        ///< int32 (accumulators), else int16
  std::int32_t offset = 0;  ///< q = v + offset
  std::int32_t zero_point = 0;
  std::int64_t numel = 0;
  std::int64_t stride = 0;           ///< values from a sample to the next
  std::int64_t begin = 0;            ///< bytes from the arena's start, for one sample; times the samples of a group
  std::optional<core::Shape> image;  ///< [c, h, w] whose values lie as [h, w, c]; none: as they are listed
};

/// Runs of values that share a channel: value (o, c, i) is (o·channels + c)·inner + i.
struct ChannelRuns {
  std::int64_t outer, channels, inner;
};

struct Layout {
  std::vector<Place> places;  ///< of each buffer
  std::int64_t bytes = 0;     ///< of the arena, for one sample
};

/// Buffers whose lives do not overlap share memory. A reshaped image that only linear layers read stays where it is.
[[nodiscard]] Layout lay_out(const Program& program);

[[nodiscard]] ChannelRuns runs_of(const Place& place, const core::Shape& shape) noexcept;

/// Position in a place of value `index` of the sample, [numel]; identity for places without image.
[[nodiscard]] std::vector<std::int32_t> order_of(const Place& place);

}  // namespace tempera::quant::engine
