#include "tempera/datasets/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "tempera/core/errors.hpp"

namespace tempera::data {

Digest sha256(std::span<const std::uint8_t> bytes) {
  Digest digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw core::UnsupportedError("SHA-256", "this OpenSSL's configuration does not provide it");
  }
  return digest;
}

Digest sha256_of_text(std::string_view text) {
  return sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace tempera::data
