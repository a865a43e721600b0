#include "tempera/quant/engine/thresholds.hpp"

#include <algorithm>
#include <array>

#include "tempera/quant/program_shapes.hpp"

namespace tempera::quant::engine {
namespace {

// Up to here as many comparisons as thresholds, for whole vectors of channels, beat halving for one channel at a time.
constexpr std::int64_t kMostListed = 64;

// Channels whose counts stay in registers and the first cache line.
constexpr std::int64_t kBlock = 64;

}  // namespace

// a ≤ t is ~a ≥ ~t: bitwise not turns the order of two's complement round and overflows nowhere.
ThresholdTable::ThresholdTable(const Requant& requant, std::int64_t channels, std::int32_t offset)
    : steps_(requant.steps()), channels_(channels), base_(requant.low - offset) {
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): a table is made where there are thresholds
  const Thresholds& t = *requant.thresholds;
  const bool one_way = t.directions.size() == 1;
  listed_ = steps_ <= kMostListed;
  shared_ = static_cast<std::int64_t>(t.values.size()) == steps_ && one_way;
  for (std::int64_t c = 0; c < channels; ++c) flip_.push_back(of_channel(t.directions, c) > 0 ? 0 : -1);
  const std::int64_t stored = shared_ && !listed_ ? 1 : channels;
  at_.resize(static_cast<std::size_t>(steps_ * stored));
  const bool each = static_cast<std::int64_t>(t.values.size()) != steps_;
  for (std::int64_t c = 0; c < stored; ++c) {
    for (std::int64_t i = 0; i < steps_; ++i) {
      const std::int32_t flip = flip_[static_cast<std::size_t>(c)];
      // Flipped thresholds rise when they are taken from the last on.
      const std::int64_t from = flip == 0 ? i : steps_ - 1 - i;
      at_[static_cast<std::size_t>(listed_ ? i * channels + c : c * steps_ + i)] =
          t.values[static_cast<std::size_t>((each ? c * steps_ : 0) + from)] ^ flip;
    }
  }
}

void ThresholdTable::write(std::int64_t m, std::int64_t first, std::int64_t n, const std::int32_t* c,
                           std::int64_t c_row, std::int16_t* y, std::int64_t y_row) const noexcept {
  for (std::int64_t i = 0; i < m; ++i) {
    if (!listed_) {
      search(first, n, c + i * c_row, y + i * y_row + first);
      continue;
    }
    for (std::int64_t j = 0; j < n; j += kBlock) {
      count(first + j, std::min(kBlock, n - j), c + i * c_row + j, y + i * y_row + first + j);
    }
  }
}

void ThresholdTable::count(std::int64_t first, std::int64_t n, const std::int32_t* c, std::int16_t* y) const noexcept {
  alignas(64) std::array<std::int32_t, kBlock> flipped, counts;  // NOLINT: written before they are read
  const std::int32_t* flip = flip_.data() + first;
  for (std::int64_t j = 0; j < n; ++j) {
    flipped[static_cast<std::size_t>(j)] = c[j] ^ flip[j];
    counts[static_cast<std::size_t>(j)] = base_;
  }
  for (std::int64_t i = 0; i < steps_; ++i) {
    const std::int32_t* t = at_.data() + i * channels_ + first;
    for (std::int64_t j = 0; j < n; ++j) {
      counts[static_cast<std::size_t>(j)] += flipped[static_cast<std::size_t>(j)] >= t[j] ? 1 : 0;
    }
  }
  for (std::int64_t j = 0; j < n; ++j) y[j] = static_cast<std::int16_t>(counts[static_cast<std::size_t>(j)]);
}

void ThresholdTable::search(std::int64_t first, std::int64_t n, const std::int32_t* c, std::int16_t* y) const noexcept {
  for (std::int64_t j = 0; j < n; ++j) {
    const std::int32_t* t = at_.data() + (shared_ ? 0 : (first + j) * steps_);
    const std::int32_t value = c[j] ^ flip_[static_cast<std::size_t>(first + j)];
    y[j] = static_cast<std::int16_t>(base_ + (std::upper_bound(t, t + steps_, value) - t));
  }
}

}  // namespace tempera::quant::engine
