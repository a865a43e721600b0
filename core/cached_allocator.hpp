// Lists and objects in memory from Storage's allocator: for what a call makes and drops again, so that the next call like it
// asks the system for nothing.
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <vector>

namespace tempera::core {

namespace detail {
/// Uninitialised memory that begins at a line of the cache. Throws std::bad_alloc.
[[nodiscard]] void* take_block(std::size_t bytes);
/// On any thread.
void give_block_back(void* memory) noexcept;
}  // namespace detail

template <class T>
struct CachedAllocator {
  using value_type = T;
  static_assert(alignof(T) <= 64);

  CachedAllocator() = default;
  template <class U>  // NOLINTNEXTLINE(google-explicit-constructor): as allocators are
  CachedAllocator(const CachedAllocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(detail::take_block(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t /*n*/) noexcept { detail::give_block_back(p); }
  bool operator==(const CachedAllocator& /*other*/) const noexcept { return true; }
};

/// A block is 256 bytes at least: for a list that grows, reserve what it comes to.
template <class T>
using CachedVector = std::vector<T, CachedAllocator<T>>;
using CachedString = std::basic_string<char, std::char_traits<char>, CachedAllocator<char>>;

}  // namespace tempera::core
