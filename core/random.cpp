#include "tempera/core/random.hpp"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace tempera::core {
namespace {

std::uint64_t join(std::uint32_t high, std::uint32_t low) noexcept { return (std::uint64_t{high} << 32) | low; }

double unit(std::uint64_t bits) noexcept { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(p0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

std::uint64_t stream_of(std::string_view name) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

std::array<std::uint32_t, 4> Random::block(std::uint64_t index) const noexcept {
  return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                     static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                    {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
}

Random Random::substream(std::uint64_t number) const noexcept {
  const auto mixed = philox4x32({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32),
                                 static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                                {0x74656D70U, 0x65726121U});
  return Random(seed_, join(mixed[0], mixed[1]));
}

std::uint32_t Random::bits(std::uint64_t index) const noexcept { return block(index)[0]; }

double Random::uniform(std::uint64_t index) const noexcept {
  const auto b = block(index);
  return unit(join(b[0], b[1]));
}

double Random::normal(std::uint64_t index) const noexcept {
  const auto b = block(index);
  const double radius = std::sqrt(-2.0 * std::log1p(-unit(join(b[0], b[1]))));
  return radius * std::cos(2.0 * std::numbers::pi * unit(join(b[2], b[3])));
}

std::uint64_t Random::below(std::uint64_t index, std::uint64_t bound) const noexcept {
  const auto b = block(index);
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{join(b[0], b[1])} * bound) >> 64);
}

std::vector<std::int64_t> Random::permutation(std::int64_t n) const {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i, i)]);
  return order;
}

void Random::fill_uniform(std::span<Scalar> values, double low, double high) const noexcept {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Scalar>(low + (high - low) * uniform(i));
}

void Random::fill_normal(std::span<Scalar> values, double mean, double deviation) const noexcept {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Scalar>(mean + deviation * normal(i));
}

}  // namespace tempera::core
