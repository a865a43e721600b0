// Reference-counted, 64-byte aligned memory from a caching allocator.
//
// A training step makes and drops the same buffers over and over. Blocks that are dropped are kept in free lists by
// size class and handed out again, so that after the first step none of them comes from the system (and none has to be
// zeroed and page-faulted in by it, which costs more than small layers' arithmetic).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace tempera::core {

/// What the allocator has done since the process started.
struct AllocatorStats {
  std::int64_t system_allocations = 0;  ///< blocks fetched from the system
  std::int64_t cached_bytes = 0;        ///< bytes in the free lists
  std::int64_t live_bytes = 0;          ///< bytes handed out
  std::int64_t peak_live_bytes = 0;
};

[[nodiscard]] AllocatorStats allocator_stats() noexcept;
/// Returns the free lists' blocks to the system.
void release_cached_storage() noexcept;

/// Shared ownership of one block. Copies share; the last one returns the block to the allocator.
class Storage {
 public:
  Storage() = default;
  /// Uninitialised memory of at least `bytes`. Throws std::bad_alloc.
  explicit Storage(std::size_t bytes);
  Storage(const Storage& other) noexcept : block_(other.block_) { retain(); }
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Storage() { release(); }

  [[nodiscard]] void* data() const noexcept { return block_ == nullptr ? nullptr : payload(); }
  [[nodiscard]] bool unique() const noexcept;
  [[nodiscard]] bool same_block(const Storage& other) const noexcept { return block_ == other.block_; }

 private:
  struct Block;
  [[nodiscard]] void* payload() const noexcept;
  void retain() const noexcept;
  void release() noexcept;

  Block* block_ = nullptr;
  friend struct BlockCache;
};

}  // namespace tempera::core
