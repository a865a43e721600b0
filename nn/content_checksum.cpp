#include "tempera/nn/content_checksum.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <array>

namespace tempera::nn {

void ContentChecksum::add(std::span<const std::byte> bytes) {
  const std::array<std::uint64_t, 1> length{bytes.size()};
  update(std::as_bytes(std::span(length)));
  update(bytes);
}

std::string ContentChecksum::text() const { return fmt::format("{:08x}", sum_); }

void ContentChecksum::update(std::span<const std::byte> bytes) {
  sum_ =
      static_cast<std::uint32_t>(::crc32_z(sum_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

}  // namespace tempera::nn
