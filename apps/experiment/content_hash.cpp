#include "tempera/apps/experiment/content_hash.hpp"

#include <fmt/format.h>

#include "tempera/datasets/sha256.hpp"

namespace tempera::cli {

std::string content_hash(const core::ConfigValue& resolved, std::string_view data_sha256, int format) {
  core::ConfigValue all = core::ConfigValue::object();
  all.set("config", resolved);
  all.set("data", core::ConfigValue::of(std::string(data_sha256)));
  all.set("format", core::ConfigValue::of(std::int64_t{format}));
  return data::hex(data::sha256_of_text(canonical_json(all)));
}

std::string short_hash(std::string_view hash) { return std::string(hash.substr(0, 8)); }

std::string hashed_name(std::string_view name, std::string_view hash) {
  return fmt::format("{}-{}", name, short_hash(hash));
}

}  // namespace tempera::cli
