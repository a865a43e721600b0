#include "tempera/quant/engine/places.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "tempera/core/integers.hpp"
#include "tempera/quant/engine/byte_places.hpp"
#include "tempera/quant/program_shapes.hpp"

namespace tempera::quant::engine {
namespace {

constexpr std::int64_t kAlignment = 64;
// Kernels read a step (four bytes) at a time, and the last vector of a row whole.
constexpr std::int64_t kSlack = 64;

Place place_of(const ProgramBuffer& buffer) {
  Place place{.wide = buffer.cell == Cell::kS32, .zero_point = buffer.zero_point, .numel = buffer.shape.numel()};
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

// The offset of the samples' place, if nothing but linear layers reads them, as they are or as they are listed anew.
void offset_by_background(const Program& program, std::vector<Place>& places) {
  std::vector<int> same{program.instructions.front().output};
  for (const Instruction& in : program.instructions) {
    const bool reads = std::ranges::any_of(in.inputs, [&](int i) { return std::ranges::find(same, i) != same.end(); });
    if (!reads || std::holds_alternative<program::Linear>(in.operation)) continue;
    if (!std::holds_alternative<program::Reshape>(in.operation)) return;
    same.push_back(in.output);
  }
  for (const int i : same) {
    const ProgramBuffer& buffer = program.buffers[static_cast<std::size_t>(i)];
    Place& place = places[static_cast<std::size_t>(i)];
    if (!place.wide && buffer.zero_point != 0 && buffer.high - buffer.low <= 32767) place.offset = buffer.low;
  }
}

// A buffer's bytes for a sample, written by instruction `from` and last read by `to`.
struct Life {
  std::size_t from = 0, to = 0;
  bool kept = false, watched = false;
  std::int64_t begin = 0, bytes = 0;
};

// Of the buffers that are their own root.
std::vector<Life> lives_of(const Program& program, const std::vector<std::size_t>& root,
                           const std::vector<Place>& places) {
  std::vector<Life> lives(places.size());
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& in = program.instructions[i];
    const auto output = static_cast<std::size_t>(in.output);
    for (const int input : in.inputs) lives[root[static_cast<std::size_t>(input)]].to = i;
    if (root[output] != output) continue;
    const Place& place = places[output];
    lives[output] = {.from = i, .to = i, .bytes = core::round_up(place.numel * place.cell() + kSlack, kAlignment)};
  }
  return lives;
}

// The lowest gap among those that live at the same time.
std::int64_t lowest_gap(const std::vector<Life>& placed, const Life& life) {
  std::vector<const Life*> beside;
  for (const Life& other : placed) {
    const bool same = other.kept == life.kept;
    if (same && other.from <= life.to && life.from <= other.to) beside.push_back(&other);
  }
  std::ranges::sort(beside, {}, &Life::begin);
  std::int64_t begin = 0;
  for (const Life* other : beside) {
    if (begin + life.bytes <= other->begin) break;
    begin = std::max(begin, other->begin + other->bytes);
  }
  return begin;
}

// The memory of a buffer is that of its root: reshaped buffers stay where they are, if what reads them can.
std::vector<std::size_t> share_places(const Program& program, std::vector<Place>& places) {
  std::vector<std::size_t> root(places.size());
  std::iota(root.begin(), root.end(), std::size_t{0});
  for (const Instruction& in : program.instructions) {
    if (!std::holds_alternative<program::Reshape>(in.operation)) continue;
    const auto input = static_cast<std::size_t>(in.inputs[0]), output = static_cast<std::size_t>(in.output);
    const Place &from = places[input], &to = places[output];
    // Of another cell, bytes would count from another least value.
    const bool same =
        from.wide == to.wide && from.offset == to.offset && program.buffers[input].cell == program.buffers[output].cell;
    const bool listed = !from.image && !to.image;
    const bool kept = from.image && !to.image && only_linear_reads(program, in.output);
    if (!same || !(listed || kept)) continue;
    root[output] = root[input];
    places[output] = from;
  }
  return root;
}

std::size_t first_linear(const Program& program) {
  const auto linear = [](const Instruction& in) { return std::holds_alternative<program::Linear>(in.operation); };
  return static_cast<std::size_t>(std::ranges::find_if(program.instructions, linear) - program.instructions.begin());
}

}  // namespace

bool pooled_alone(const Program& program, const std::vector<Place>& places, std::size_t i) {
  if (i + 1 >= program.instructions.size()) return false;
  const Instruction &conv = program.instructions[i], &next = program.instructions[i + 1];
  const auto* pool = std::get_if<program::MaxPool2d>(&next.operation);
  if (pool == nullptr || !std::holds_alternative<program::Conv2d>(conv.operation)) return false;
  const std::array<std::int64_t, 2> twos{2, 2}, zeros{0, 0};
  if (pool->size != twos || pool->stride != twos || pool->padding != zeros) return false;
  const Place &from = places[static_cast<std::size_t>(conv.output)],
              &to = places[static_cast<std::size_t>(next.output)];
  // A value of both places has to mean the same, and lie in the order in which the convolution writes it.
  if (from.wide || to.wide || from.bytes != to.bytes || from.offset != to.offset || next.inputs[0] != conv.output)
    return false;
  const auto reads = [&](const Instruction& in) {
    return std::ranges::find(in.inputs, conv.output) != in.inputs.end();
  };
  return std::ranges::count_if(program.instructions, reads) == 1;
}

Layout lay_out(const Program& program) {
  const std::size_t count = program.buffers.size();
  Layout layout;
  for (const ProgramBuffer& buffer : program.buffers) layout.places.push_back(place_of(buffer));
  offset_by_background(program, layout.places);
  const std::vector<std::size_t> root = share_places(program, layout.places);  // whose memory a buffer uses
  use_bytes(program, root, layout);
  std::vector<Life> lives = lives_of(program, root, layout.places);
  for (std::size_t i = 0; i < count; ++i) layout.places[i].stride = lives[root[i]].bytes / layout.places[i].cell();
  lives[root[static_cast<std::size_t>(program.instructions.back().output)]].to = program.instructions.size();
  layout.rows_from = first_linear(program);
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    layout.pooled_before.push_back(i + 1 < layout.rows_from && pooled_alone(program, layout.places, i));
    if (!layout.pooled_before.back()) continue;
    // Written while the convolution reads its input; between the two there is nothing, unless someone watches.
    lives[root[static_cast<std::size_t>(program.instructions[i + 1].output)]].from = i;
    lives[static_cast<std::size_t>(program.instructions[i].output)].watched = true;
  }
  std::vector<Life> placed;
  for (const bool watched : {false, true}) {
    for (std::size_t i = 0; i < count; ++i) {
      Life& life = lives[i];
      if (root[i] != i || life.bytes == 0 || life.watched != watched) continue;
      life.kept = life.to >= layout.rows_from;
      life.begin = watched ? layout.watched_bytes : lowest_gap(placed, life);
      std::int64_t& end = life.kept ? layout.kept_bytes : watched ? layout.watched_bytes : layout.bytes;
      end = std::max(end, life.begin + life.bytes);
      placed.push_back(life);
    }
    layout.watched_bytes = std::max(layout.watched_bytes, layout.bytes);
  }
  for (std::size_t i = 0; i < count; ++i) {
    layout.places[i].kept = lives[root[i]].kept;
    layout.places[i].begin = lives[root[i]].begin;
  }
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
