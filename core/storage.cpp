#include "tempera/core/storage.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <new>

#include "tempera/core/cached_allocator.hpp"
#include "tempera/core/system_memory.hpp"

namespace tempera::core {

struct alignas(64) Storage::Block {
  std::atomic<std::int64_t> references{1};
  std::size_t capacity = 0;  // payload bytes
  int size_class = 0;
  Block* next = nullptr;
};

namespace {

constexpr std::size_t kAlignment = 64;
constexpr int kStepsPerOctave = 4;  // size classes 1, 1.25, 1.5, 1.75 times a power of two: at most 25 % is wasted
constexpr int kClasses = 48 * kStepsPerOctave;

struct SizeClass {
  int index;
  std::size_t bytes;
};

SizeClass size_class(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 46)) throw std::bad_alloc();
  const std::size_t wanted = std::max(bytes, std::size_t{4 * kAlignment});
  const int octave = static_cast<int>(std::bit_width(wanted - 1)) - 1;
  const std::size_t base = std::size_t{1} << octave;
  const std::size_t step = base / kStepsPerOctave;
  const std::size_t steps = (wanted - base + step - 1) / step;
  const std::size_t size = base + steps * step;
  return {octave * kStepsPerOctave + static_cast<int>(steps), size};
}

}  // namespace

struct BlockCache {
  using Block = Storage::Block;
  std::mutex mutex;
  std::array<Block*, kClasses> free{};
  AllocatorStats stats;

  Block* take(std::size_t bytes) {
    const auto [index, size] = size_class(bytes);
    {
      const std::lock_guard lock(mutex);
      count_live(static_cast<std::int64_t>(size));
      if (Block* block = free[static_cast<std::size_t>(index)]) {
        free[static_cast<std::size_t>(index)] = block->next;
        stats.cached_bytes -= static_cast<std::int64_t>(size);
        block->references.store(1, std::memory_order_relaxed);
        return block;
      }
      ++stats.system_allocations;
    }
    void* memory = take_memory(sizeof(Block) + size);
    if (memory == nullptr) {
      const std::lock_guard lock(mutex);
      stats.live_bytes -= static_cast<std::int64_t>(size);
      --stats.system_allocations;
      throw std::bad_alloc();
    }
    auto* block = new (memory) Block;
    block->capacity = size;
    block->size_class = index;
    return block;
  }

  void give_back(Block* block) noexcept {
    const std::lock_guard lock(mutex);
    block->next = free[static_cast<std::size_t>(block->size_class)];
    free[static_cast<std::size_t>(block->size_class)] = block;
    stats.live_bytes -= static_cast<std::int64_t>(block->capacity);
    stats.cached_bytes += static_cast<std::int64_t>(block->capacity);
  }

  void clear() noexcept {
    const std::lock_guard lock(mutex);
    for (Block*& head : free) {
      while (head != nullptr) {
        Block* block = std::exchange(head, head->next);
        const std::size_t size = block->capacity;
        stats.cached_bytes -= static_cast<std::int64_t>(size);
        block->~Block();
        release_memory(block, sizeof(Block) + size);
      }
    }
  }

  void count_live(std::int64_t bytes) {
    stats.live_bytes += bytes;
    stats.peak_live_bytes = std::max(stats.peak_live_bytes, stats.live_bytes);
  }
};

namespace {

// Never destroyed: tensors with static lifetime may be dropped after any other static object.
BlockCache& cache() {
  static auto* instance = new BlockCache;
  return *instance;
}

}  // namespace

AllocatorStats allocator_stats() noexcept {
  BlockCache& all = cache();
  const std::lock_guard lock(all.mutex);
  return all.stats;
}

void release_cached_storage() noexcept { cache().clear(); }

void* detail::take_block(std::size_t bytes) { return cache().take(bytes) + 1; }
void detail::give_block_back(void* memory) noexcept { cache().give_back(static_cast<BlockCache::Block*>(memory) - 1); }

Storage::Storage(std::size_t bytes) : block_(cache().take(bytes)) {}

bool Storage::unique() const noexcept {
  return block_ != nullptr && block_->references.load(std::memory_order_acquire) == 1;
}

void* Storage::payload() const noexcept { return block_ + 1; }

void Storage::retain() const noexcept {
  if (block_ != nullptr) block_->references.fetch_add(1, std::memory_order_relaxed);
}

void Storage::release() noexcept {
  if (block_ != nullptr && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) cache().give_back(block_);
}

}  // namespace tempera::core
