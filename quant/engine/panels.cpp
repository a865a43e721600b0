#include "tempera/quant/engine/panels.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "tempera/core/integers.hpp"
#include "tempera/quant/program_shapes.hpp"
#include "tempera/quant/reference/operations.hpp"

namespace tempera::quant::engine {

bool WeightRows::narrow() const noexcept {
  return std::ranges::all_of(values, [](std::int16_t w) { return w >= -128 && w <= 127; });
}

std::vector<std::int32_t> WeightRows::corrected(const std::vector<std::int32_t>& bias, std::int64_t correction) const {
  std::vector<std::int32_t> result;
  for (std::int64_t o = 0; o < out; ++o) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < segments * length; ++i)
      sum += values[static_cast<std::size_t>(o * segments * length + i)];
    result.push_back(
        static_cast<std::int32_t>(static_cast<std::uint64_t>(bias[static_cast<std::size_t>(o)]) +
                                  static_cast<std::uint64_t>(correction) * static_cast<std::uint64_t>(sum)));
  }
  return result;
}

template <class T>
Panels<T> pack(const WeightRows& weight, std::int64_t columns, std::int64_t group, std::int64_t steps) {
  Panels<T> p{.group = group,
              .columns = columns,
              .count = core::ceil_div(weight.out, columns),
              .segments = weight.segments,
              .steps = std::max((weight.length + group - 1) / group, steps),
              .values = {}};
  p.values.resize(static_cast<std::size_t>(p.count * p.size()));
  std::size_t next = 0;
  for (std::int64_t o = 0; o < weight.out; ++o) {
    T* column = p.values.data() + o / columns * p.size() + o % columns * group;
    for (std::int64_t s = 0; s < weight.segments; ++s) {
      for (std::int64_t i = 0; i < weight.length; ++i) {
        column[(s * p.steps + i / group) * columns * group + i % group] = static_cast<T>(weight.values[next++]);
      }
    }
  }
  return p;
}
template Panels<std::int8_t> pack(const WeightRows&, std::int64_t, std::int64_t, std::int64_t);
template Panels<std::int16_t> pack(const WeightRows&, std::int64_t, std::int64_t, std::int64_t);

std::int64_t nonzero_steps(const std::int16_t* x, std::int64_t length, std::int32_t* steps,
                           std::int32_t* values) noexcept {
  std::int64_t count = 0;
  for (std::int64_t p = 0; p < length / 2; ++p) {  // without a branch: what is 0 is written over
    std::int32_t pair = 0;
    std::memcpy(&pair, x + 2 * p, sizeof pair);
    steps[count] = static_cast<std::int32_t>(p);
    values[count] = pair;
    count += pair != 0 ? 1 : 0;
  }
  if (length % 2 != 0) {
    steps[count] = static_cast<std::int32_t>(length / 2);
    values[count++] = static_cast<std::uint16_t>(x[length - 1]);
  }
  return count;
}

std::int64_t nonzero_steps(std::span<const void* const> rows, std::int64_t length, std::int32_t* steps) noexcept {
  constexpr std::int64_t kBlock = 16;  // steps at a time, in registers
  const std::int64_t all = (length + 1) / 2;
  std::int64_t count = 0;
  for (std::int64_t first = 0; first < all; first += kBlock) {
    std::array<std::uint32_t, kBlock> any{};
    for (const void* row : rows) {
      std::array<std::uint32_t, kBlock> pairs;
      std::memcpy(pairs.data(), static_cast<const char*>(row) + 4 * first, sizeof pairs);
      for (std::size_t p = 0; p < pairs.size(); ++p) any[p] |= pairs[p];
    }
    const std::int64_t n = std::min(kBlock, all - first);
    for (std::int64_t p = 0; p < n; ++p) {  // without a branch: a step that is 0 is written over
      steps[count] = static_cast<std::int32_t>(first + p);
      count += any[static_cast<std::size_t>(p)] != 0 ? 1 : 0;
    }
  }
  return count;
}

bool has_kernel(const std::optional<Requant>& requant) noexcept {
  return requant && !requant->thresholds && requant->mode == RequantMode::kSingle &&
         std::ranges::none_of(requant->multipliers, [](const Multiplier& m) { return m.shift < 0; });
}

Output::Output(const Place& place, const std::optional<Requant>& requant, std::int64_t channels)
    : wide_(place.wide), bytes_(place.bytes), offset_(place.offset), requant_(requant) {
  if (requant_ && requant_->thresholds && !wide_) thresholds_.emplace(*requant_, channels, offset_);
  if (wide_ || !has_kernel(requant_)) return;
  fast_ = true;
  const std::int64_t columns = core::int_kernels().columns;
  for (std::int64_t c = 0; c < core::round_up(channels, columns); ++c) {
    const Multiplier& m = of_channel(requant_->multipliers, std::min(c, channels - 1));
    const auto count = 31 + static_cast<std::uint64_t>(m.shift);
    multiplier_.push_back(m.multiplier);
    (c % 2 == 0 ? half_even_ : half_odd_).push_back(std::uint64_t{1} << (count - 1));
    (c % 2 == 0 ? count_even_ : count_odd_).push_back(count);
  }
}

std::int32_t Output::value(std::int32_t accumulator, std::int64_t channel) const noexcept {
  return (requant_ ? reference::apply(*requant_, accumulator, channel) : accumulator) - offset_;
}

void Output::write(std::int64_t m, std::int64_t first, std::int64_t n, const std::int32_t* c, std::int64_t c_row,
                   void* y, std::int64_t y_row) const noexcept {
  if (thresholds_) return thresholds_->write(m, first, n, c, c_row, static_cast<std::int16_t*>(y), y_row);
  if (requant_ && fast_) {
    const core::RequantTile tile{.m = m,
                                 .n = n,
                                 .c = c,
                                 .c_row = c_row,
                                 .multiplier = multiplier_.data() + first,
                                 .half_even = half_even_.data() + first / 2,
                                 .half_odd = half_odd_.data() + first / 2,
                                 .count_even = count_even_.data() + first / 2,
                                 .count_odd = count_odd_.data() + first / 2,
                                 .low = requant_->low - requant_->zero_point,
                                 .high = requant_->high - requant_->zero_point,
                                 .offset = requant_->zero_point - offset_,
                                 .y = static_cast<char*>(y) + first * (bytes_ ? 1 : 2),
                                 .y_row = y_row};
    return bytes_ ? core::int_kernels().requant_u8(tile) : core::int_kernels().requant(tile);
  }
  if (wide_ && !requant_) {  // logits, and products for their own sake
    core::int_kernels().wide_sums({.m = m,
                                   .n = n,
                                   .c = c,
                                   .c_row = c_row,
                                   .offset = offset_,
                                   .y = static_cast<std::int32_t*>(y) + first,
                                   .y_row = y_row});
    return;
  }
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int32_t v = value(c[i * c_row + j], first + j);
      const std::int64_t at = i * y_row + first + j;
      if (wide_) {
        static_cast<std::int32_t*>(y)[at] = v;
      } else {
        static_cast<std::int16_t*>(y)[at] = static_cast<std::int16_t>(v);
      }
    }
  }
}

}  // namespace tempera::quant::engine
