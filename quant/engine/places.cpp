#include "tempera/quant/engine/places.hpp"

#include <algorithm>

#include "tempera/quant/program_shapes.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kAlignment = 64;
// Kernels read a step (four bytes) at a time, and the last vector of a row whole.
constexpr std::int64_t kSlack = 64;

std::int64_t round_up(std::int64_t x, std::int64_t unit) { return (x + unit - 1) / unit * unit; }

Place place_of(const ProgramBuffer& buffer) {
  Place place{.wide = buffer.cell == Cell::kS32, .zero_point = buffer.zero_point, .numel = buffer.shape.numel()};
  const std::int64_t bytes = round_up(place.numel * (place.wide ? 4 : 2) + kSlack, kAlignment);
  place.stride = bytes / (place.wide ? 4 : 2);
  if (!place.wide) {
    const bool fits = buffer.low - buffer.zero_point >= -32768 && buffer.high - buffer.zero_point <= 32767;
    place.offset = fits ? buffer.zero_point : buffer.cell == Cell::kU16 ? 32768 : 0;
  }
  const core::Shape& s = buffer.shape;
  if (s.rank() == 3 && s[0] > 1 && s[1] * s[2] > 1) place.image = s;
  return place;
}

// Whether `buffer` is read, and by linear layers alone.
bool only_linear_reads(const Program& program, int buffer) {
  bool read = false;
  for (const Instruction& in : program.instructions) {
    if (std::ranges::find(in.inputs, buffer) == in.inputs.end()) continue;
    if (!std::holds_alternative<program::Linear>(in.operation)) return false;
    read = true;
  }
  return read;
}

// A buffer's bytes for a sample, written by instruction `from` and last read by `to`.
struct Life {
  std::size_t from = 0, to = 0;
  std::int64_t begin = 0, bytes = 0;
};

// The lowest gap among those that live at the same time.
std::int64_t lowest_gap(const std::vector<Life>& placed, const Life& life) {
  std::vector<const Life*> beside;
  for (const Life& other : placed) {
    if (other.from <= life.to && life.from <= other.to) beside.push_back(&other);
  }
  std::ranges::sort(beside, {}, &Life::begin);
  std::int64_t begin = 0;
  for (const Life* other : beside) {
    if (begin + life.bytes <= other->begin) break;
    begin = std::max(begin, other->begin + other->bytes);
  }
  return begin;
}

}  // namespace

Layout lay_out(const Program& program) {
  const std::size_t count = program.buffers.size();
  Layout layout;
  std::vector<std::size_t> root(count);  // whose memory a buffer uses
  for (std::size_t i = 0; i < count; ++i) {
    root[i] = i;
    layout.places.push_back(place_of(program.buffers[i]));
  }
  std::vector<Life> lives(count);
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& in = program.instructions[i];
    const auto output = static_cast<std::size_t>(in.output);
    for (const int input : in.inputs) lives[root[static_cast<std::size_t>(input)]].to = i;
    lives[output] = {.from = i, .to = i, .bytes = layout.places[output].stride * (layout.places[output].wide ? 4 : 2)};
    if (!std::holds_alternative<program::Reshape>(in.operation)) continue;
    const auto input = static_cast<std::size_t>(in.inputs[0]);
    const Place &from = layout.places[input], &to = layout.places[output];
    const bool same = from.wide == to.wide && from.offset == to.offset;
    const bool listed = !from.image && !to.image;
    const bool kept = from.image && !to.image && only_linear_reads(program, in.output);
    if (!same || !(listed || kept)) continue;
    root[output] = root[input];
    const std::optional<core::Shape> image = from.image;
    layout.places[output] = from;
    layout.places[output].image = image;
  }
  lives[root[static_cast<std::size_t>(program.instructions.back().output)]].to = program.instructions.size();
  std::vector<Life> placed;
  for (std::size_t i = 0; i < count; ++i) {
    if (root[i] != i || lives[i].bytes == 0) continue;
    lives[i].begin = lowest_gap(placed, lives[i]);
    layout.bytes = std::max(layout.bytes, lives[i].begin + lives[i].bytes);
    placed.push_back(lives[i]);
  }
  for (std::size_t i = 0; i < count; ++i) layout.places[i].begin = lives[root[i]].begin;
  return layout;
}

ChannelRuns runs_of(const Place& place, const core::Shape& shape) noexcept {
  if (place.image) return {.outer = shape[1] * shape[2], .channels = shape[0], .inner = 1};
  const std::int64_t channels = channels_of(shape);
  return {.outer = 1, .channels = channels, .inner = shape.numel() / channels};
}

std::vector<std::int32_t> order_of(const Place& place) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(place.numel));
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto index = static_cast<std::int64_t>(i);
    if (place.image) {
      const std::int64_t channels = (*place.image)[0], cells = (*place.image)[1] * (*place.image)[2];
      index = index % cells * channels + index / cells;
    }
    order[i] = static_cast<std::int32_t>(index);
  }
  return order;
}

}  // namespace tempera::quant::engine
