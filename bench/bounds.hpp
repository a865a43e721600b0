// What holds a kernel up at least: the memory it has to read and write, or the arithmetic it has to do.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <vector>

namespace bounds {

/// Vectors as the tensors of the library are: from a cache line on.
template <class T>
struct Aligned {
  using value_type = T;
  Aligned() = default;
  template <class U>
  explicit Aligned(const Aligned<U>&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* p, std::size_t) noexcept { ::operator delete(p, std::align_val_t{64}); }
  friend bool operator==(const Aligned&, const Aligned&) noexcept { return true; }
};

template <class T>
using Values = std::vector<T, Aligned<T>>;

/// The work of a kernel that cannot be saved.
struct Work {
  std::int64_t elements = 0;  ///< float32 values, of each array that is read or written
  int reads = 0;              ///< arrays; what is changed in place is read and written
  int writes = 0;             ///< 0 or 1 with one read, 1 with two, 2 with three, 3 with four
  bool in_place = false;      ///< with two reads: the array that is written is one of them; with more it always is
  bool from_bytes = false;    ///< the one array that is read has bytes
  double multiplies = 0;      ///< multiplications and multiply-adds for each element
  double divisions = 0;       ///< for each element
  double roots = 0;           ///< divisions by a square root
};

/// Times the kernel and, in turn with it, a loop for each kind of this work that does nothing else: memory on arrays of the same
/// sizes, arithmetic on values at hand. Counters: kernel_us, limit_us (of the slowest loop) and of_limit, the median of the
/// shares, in time of this thread; the label says which loop it was. For a benchmark whose own loop is done.
void compare_with_limit(benchmark::State& state, const Work& work, const std::function<void()>& kernel);

}  // namespace bounds
