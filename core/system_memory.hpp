// Memory from the system, for blocks that are kept.
#pragma once

#include <cstddef>

namespace tempera::core {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;  ///< bytes

/// Aligned to 64 bytes; from kHugePage on aligned to a huge page, and the system is asked for such pages, which it may decline:
/// a weight of megabytes that is read across its rows, or images in any order, miss small pages all the time. Null if
/// there is no memory.
[[nodiscard]] void* take_memory(std::size_t bytes) noexcept;
/// What take_memory gave for that many bytes.
void release_memory(void* memory, std::size_t bytes) noexcept;

}  // namespace tempera::core
