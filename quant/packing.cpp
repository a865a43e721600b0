#include "tempera/quant/packing.hpp"

namespace tempera::quant {

std::vector<std::byte> pack(std::span<const std::int8_t> values, int bits) {
  std::vector<std::byte> bytes(packed_bytes(values.size(), bits));
  const std::uint32_t mask = (1U << bits) - 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t at = i * static_cast<std::size_t>(bits);
    const std::uint32_t shifted = (static_cast<std::uint32_t>(values[i]) & mask) << (at % 8);
    bytes[at / 8] |= static_cast<std::byte>(shifted & 0xFF);
    if (shifted > 0xFF) bytes[at / 8 + 1] |= static_cast<std::byte>(shifted >> 8);
  }
  return bytes;
}

std::vector<std::int8_t> unpack(std::span<const std::byte> bytes, std::size_t count, int bits) {
  std::vector<std::int8_t> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = i * static_cast<std::size_t>(bits);
    auto word = static_cast<std::uint32_t>(bytes[at / 8]);
    if (at / 8 + 1 < bytes.size()) word |= static_cast<std::uint32_t>(bytes[at / 8 + 1]) << 8;
    // The sign is moved to the top and back, which copies it into the bits above.
    const auto top = static_cast<std::int32_t>(word >> (at % 8) << (32 - bits));
    values[i] = static_cast<std::int8_t>(top >> (32 - bits));
  }
  return values;
}

}  // namespace tempera::quant
