// The checksum that a safetensors file carries of its own content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tempera::nn {

/// Metadata key under which a file keeps it, eight hexadecimal digits.
inline constexpr const char* kChecksumKey = "tempera.crc32";

/// CRC-32 of everything in a file but itself and the layout of its header: name and bytes of each tensor in the order of their
/// names, then key and value of each metadata in theirs, each with its length (8 bytes, little-endian) before it.
class ContentChecksum {
 public:
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  void add(std::span<const std::byte> bytes);
  [[nodiscard]] std::string text() const;

 private:
  void update(std::span<const std::byte> bytes);
  std::uint32_t sum_ = 0;
};

}  // namespace tempera::nn
