// Lists that begin at a line of the cache: kernels load 64 bytes at a time, which take twice as long across two lines.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace tempera::quant::engine {

template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <class U>  // NOLINTNEXTLINE(google-explicit-constructor): as allocators are
  LineAllocator(const LineAllocator<U>& /*other*/) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, std::size_t /*n*/) noexcept { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator& /*other*/) const noexcept { return true; }
};

template <class T>
using Lines = std::vector<T, LineAllocator<T>>;

}  // namespace tempera::quant::engine
