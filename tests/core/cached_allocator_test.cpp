// Oracles: what the allocator says it fetched and has handed out.
#include "tempera/core/cached_allocator.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "tempera/core/storage.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {
namespace {

TEST_CASE("a list as long as one that was dropped takes no block from the system, and begins at a line of the cache") {
  static_cast<void>(CachedVector<std::int64_t>(1000));
  const std::int64_t before = allocator_stats().system_allocations;
  for (int i = 0; i < 3; ++i) {
    const CachedVector<std::int64_t> list(1000, 7);
    CHECK(reinterpret_cast<std::uintptr_t>(list.data()) % 64 == 0);
  }
  CHECK(allocator_stats().system_allocations == before);
}

TEST_CASE("a list of more bytes than there are numbers for is refused") {
  CachedAllocator<std::int64_t> allocator;
  CHECK_THROWS_AS(static_cast<void>(allocator.allocate(std::numeric_limits<std::size_t>::max() / 4)), std::bad_alloc);
}

TEST_CASE("nodes that one thread makes and another drops leave nothing behind") {
  constexpr int kThreads = 4, kNodes = 200;
  const std::int64_t before = allocator_stats().live_bytes;
  std::vector<std::vector<Variable>> made(kThreads);
  const auto on_threads = [](const auto& work) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
    for (std::thread& thread : threads) thread.join();
  };
  on_threads([&](std::size_t t) {
    const ScopeName scope("a_layer_whose_name_is_longer_than_a_string_without_memory");
    Variable y(Tensor::scalar(1), true);
    for (int i = 0; i < kNodes; ++i) made[t].push_back(y = record_straight_through("link", y.value(), y));
  });
  on_threads([&](std::size_t t) { made[(t + 1) % kThreads].clear(); });
  CHECK(allocator_stats().live_bytes == before);
}

}  // namespace
}  // namespace tempera::core
