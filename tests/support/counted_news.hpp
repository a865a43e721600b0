// Counts every operator new of a program. To be included by one file of it alone: what is defined here replaces the library's
// functions. A program with sanitizers has their own and leaves that file out (tests/CMakeLists.txt).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "support/news.hpp"

// Every other form of new and delete ends here. Inlined, GCC would take free for the wrong counterpart of new.
// NOLINTBEGIN(cppcoreguidelines-no-malloc, misc-definitions-in-headers)
[[gnu::noinline]] void* operator new(std::size_t size) {
  tempera::test::news.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc, misc-definitions-in-headers)
