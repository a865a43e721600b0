#include "tempera/core/kernels/caches.hpp"

#include <cpuinfo.h>

#include <algorithm>

namespace tempera::core {
namespace {

constexpr std::int64_t kSmallest = 256 << 10;

}  // namespace

std::int64_t second_level_cache_bytes() noexcept {
  static const std::int64_t bytes = [] {
    const cpuinfo_cache* cache = cpuinfo_initialize() ? cpuinfo_get_l2_cache(0) : nullptr;
    if (cache == nullptr) return kSmallest;
    const std::int64_t shared_by = std::max<std::int64_t>(cache->processor_count, 1);
    return std::max(kSmallest, static_cast<std::int64_t>(cache->size) / shared_by);
  }();
  return bytes;
}

}  // namespace tempera::core
