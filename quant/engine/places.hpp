// Where the engine keeps each buffer of a program, and in which form.
//
// Activations are int16, or bytes where only products of bytes and pools before these read them (byte_places.hpp): v = q − offset. int16
// have the zero point as offset wherever that fits: then padding and what ReLU cut off are 0, and the dot products need no
// correction. Samples that go straight into linear layers have their least value as offset, if their scale has a zero point
// at all: an image's background is that value, and nothing has to be multiplied by 0. Images [c, h, w] lie as [h, w, c], so
// that a window is a few contiguous runs.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tempera/quant/program.hpp"

namespace tempera::quant::engine {

/// A buffer's place for each sample of a group.
struct Place {
  bool wide = false;            ///< int32 (accumulators), else int16
  bool bytes = false;           ///< uint8 instead, which whoever reads them multiplies as they are (byte_places.hpp)
  std::int32_t offset = 0;      ///< q = v + offset
  std::int32_t background = 0;  ///< q of what sparse rows leave out: the offset, or with bytes what would be one
  std::int32_t zero_point = 0;
  std::int64_t numel = 0;
  std::int64_t stride = 0;           ///< values from a sample to the next
  bool kept = false;                 ///< in the memory of the whole group, else in that of the samples at work
  std::int64_t begin = 0;            ///< bytes from that memory's start, for one sample; times its samples
  std::optional<core::Shape> image;  ///< [c, h, w] whose values lie as [h, w, c]; none: as they are listed

  [[nodiscard]] std::int64_t cell() const noexcept { return wide ? 4 : bytes ? 1 : 2; }  ///< bytes of a value
};

/// Runs of values that share a channel: value (o, c, i) is (o·channels + c)·inner + i.
struct ChannelRuns {
  std::int64_t outer, channels, inner;
};

/// A program in two parts. Up to `rows_from`, a few samples at a time go through all instructions, so that images stay in
/// the cache. From there on, the first linear layer, as many as there are go together, so that weights are read once.
struct Layout {
  std::vector<Place> places;        ///< of each buffer
  std::size_t rows_from = 0;        ///< instruction
  std::int64_t bytes = 0;           ///< of the samples at work, for one of them
  std::int64_t kept_bytes = 0;      ///< of the whole group, for one sample: what is read or written from rows_from on
  std::int64_t watched_bytes = 0;   ///< as `bytes`, with buffers that exist only for who looks at them
  std::vector<bool> pooled_before;  ///< of each instruction: the next is a max-pool that it can do itself
};

/// Whether instruction i is a convolution whose output goes into a max-pool of 2 × 2 next to it, and nowhere else.
[[nodiscard]] bool pooled_alone(const Program& program, const std::vector<Place>& places, std::size_t i);

/// Buffers whose lives do not overlap share memory. A reshaped image that only linear layers read stays where it is.
[[nodiscard]] Layout lay_out(const Program& program);

[[nodiscard]] ChannelRuns runs_of(const Place& place, const core::Shape& shape) noexcept;

/// Position in a place of value `index` of the sample, [numel]; identity for places without image.
[[nodiscard]] std::vector<std::int32_t> order_of(const Place& place);

}  // namespace tempera::quant::engine
