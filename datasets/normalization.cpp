#include "tempera/datasets/normalization.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tempera/core/parallel.hpp"

namespace tempera::data {
namespace {

__extension__ using Wide = unsigned __int128;

struct ByteSums {
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
};

ByteSums sums_of(std::span<const std::uint8_t> bytes) noexcept {
  constexpr std::size_t kBlock = 4096;  // 4096·255² < 2^32: the inner loop can stay in 32 bits and be vectorised
  ByteSums total;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kBlock) {
    std::uint32_t sum = 0;
    std::uint32_t squares = 0;
    for (const std::uint8_t byte : bytes.subspan(begin, std::min(kBlock, bytes.size() - begin))) {
      sum += byte;
      squares += std::uint32_t{byte} * byte;
    }
    total.sum += sum;
    total.squares += squares;
  }
  return total;
}

ChannelStatistics of_bytes(const Split& split, std::size_t plane, std::size_t channel) {
  const auto map = [&](std::int64_t begin, std::int64_t end) {
    ByteSums part;
    for (std::int64_t i = begin; i < end; ++i) {
      const ByteSums one = sums_of(split.pixels().bytes(split.position(i)).subspan(channel * plane, plane));
      part = {part.sum + one.sum, part.squares + one.squares};
    }
    return part;
  };
  const ByteSums all = core::parallel_reduce(split.size(), 1024, ByteSums{}, map, [](ByteSums a, ByteSums b) {
    return ByteSums{a.sum + b.sum, a.squares + b.squares};
  });
  const auto n = static_cast<std::uint64_t>(split.size()) * plane;
  // n²·variance = n·Σx² − (Σx)², without cancellation because it is an integer.
  const Wide spread = Wide{n} * all.squares - Wide{all.sum} * all.sum;
  const auto count = static_cast<double>(n);
  return {static_cast<double>(all.sum) / count, std::sqrt(static_cast<double>(spread)) / count};
}

ChannelStatistics of_floats(const Split& split, std::size_t plane, std::size_t channel) {
  const auto fold = [&](auto&& term) {
    double sum = 0;
    for (std::int64_t i = 0; i < split.size(); ++i) {
      for (const float x : split.pixels().floats(split.position(i)).subspan(channel * plane, plane)) sum += term(x);
    }
    return sum / (static_cast<double>(split.size()) * static_cast<double>(plane));
  };
  const double mean = fold([](float x) { return static_cast<double>(x); });
  return {mean, std::sqrt(fold([mean](float x) { return (x - mean) * (x - mean); }))};
}

}  // namespace

std::vector<ChannelStatistics> channel_statistics(const Split& split) {
  const core::Shape& sample = split.pixels().sample();
  const auto plane = static_cast<std::size_t>(sample[1] * sample[2]);
  std::vector<ChannelStatistics> statistics;
  for (std::size_t c = 0; c < static_cast<std::size_t>(sample[0]); ++c) {
    statistics.push_back(split.pixels().is_bytes() ? of_bytes(split, plane, c) : of_floats(split, plane, c));
  }
  return statistics;
}

Normalization normalization(Normalize mode, const Split& train) {
  const auto channels = static_cast<std::size_t>(train.pixels().sample()[0]);
  const double unit = train.pixels().unit();
  if (mode == Normalize::kNone) return {std::vector(channels, unit), std::vector(channels, 0.0)};
  if (mode == Normalize::kMinusOneOne) return {std::vector(channels, 2 * unit), std::vector(channels, -1.0)};
  Normalization result;
  for (const ChannelStatistics& channel : channel_statistics(train)) {
    const bool varies = channel.deviation >= static_cast<double>(std::numeric_limits<float>::min());
    const double scale = varies ? 1 / channel.deviation : unit;
    result.scale.push_back(scale);
    result.shift.push_back(-channel.mean * scale);
  }
  return result;
}

}  // namespace tempera::data
