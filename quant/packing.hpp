// Integers of k bits side by side in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tempera::quant {

/// Two's complement integers of `bits` bits, one after the other from the lowest bit of the first byte on; the last byte is
/// filled up with zeros. Values must fit: −2^(bits−1) … 2^(bits−1)−1.
[[nodiscard]] std::vector<std::byte> pack(std::span<const std::int8_t> values, int bits);

/// Bytes of `count` packed integers.
[[nodiscard]] constexpr std::size_t packed_bytes(std::size_t count, int bits) noexcept {
  return (count * static_cast<std::size_t>(bits) + 7) / 8;
}

/// What pack() was given; `bytes` holds packed_bytes(count, bits) of them.
[[nodiscard]] std::vector<std::int8_t> unpack(std::span<const std::byte> bytes, std::size_t count, int bits);

}  // namespace tempera::quant
