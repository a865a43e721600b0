#include "tempera/apps/experiment/content_hash.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "tempera/core/errors.hpp"

namespace tempera::cli {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw core::Error("libcrypto refuses to compute SHA-256");
  }
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string content_hash(const core::ConfigValue& resolved, std::string_view data_sha256, int format) {
  core::ConfigValue all = core::ConfigValue::object();
  all.set("config", resolved);
  all.set("data", core::ConfigValue::of(std::string(data_sha256)));
  all.set("format", core::ConfigValue::of(std::int64_t{format}));
  return sha256_hex(canonical_json(all));
}

}  // namespace tempera::cli
