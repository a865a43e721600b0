#include "tempera/core/system_memory.hpp"

#include <sys/mman.h>

#include <new>

namespace tempera::core {
namespace {

constexpr std::size_t kSmallAlignment = 64;

std::align_val_t alignment(std::size_t bytes) noexcept {
  return std::align_val_t{bytes >= kHugePage ? kHugePage : kSmallAlignment};
}

}  // namespace

void* take_memory(std::size_t bytes) noexcept {
  void* memory = ::operator new(bytes, alignment(bytes), std::nothrow);
  // What the advice returns is of no use: without huge pages there are small ones.
  if (memory != nullptr && bytes >= kHugePage) static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
  return memory;
}

void release_memory(void* memory, std::size_t bytes) noexcept { ::operator delete(memory, alignment(bytes)); }

}  // namespace tempera::core
