// SHA-256, the name by which data sets, cache entries and downloads are known.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tempera::data {

using Digest = std::array<std::uint8_t, 32>;

/// FIPS 180-4.
[[nodiscard]] Digest sha256(std::span<const std::uint8_t> bytes);
[[nodiscard]] Digest sha256_of_text(std::string_view text);
/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string hex(const Digest& digest);

}  // namespace tempera::data
