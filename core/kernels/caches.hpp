// Sizes of the processor's caches, for blocking. They may change where a loop is cut, never what it computes.
#pragma once

#include <cstdint>

namespace tempera::core {

/// Bytes of one core's second-level cache; 256 KiB, the smallest in use, where the processor does not say.
[[nodiscard]] std::int64_t second_level_cache_bytes() noexcept;

}  // namespace tempera::core
