#include "tempera/core/storage.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace {

using tempera::core::allocator_stats;
using tempera::core::Storage;

// The buffers of a small training step, of sizes that differ from step to step by the odd last batch.
void step(std::size_t batch) {
  std::vector<Storage> alive;
  for (const std::size_t width : {784U, 128U, 128U, 10U, 10U}) alive.emplace_back(batch * width * sizeof(float));
  alive.erase(alive.begin() + 1);
  alive.emplace_back(batch * 128 * sizeof(float));
}

}  // namespace

TEST_CASE("after the first step no storage comes from the system") {
  step(64);
  step(60);
  const std::int64_t before = allocator_stats().system_allocations;
  for (int i = 0; i < 100; ++i) step(i % 10 == 9 ? 60 : 64);
  CHECK(allocator_stats().system_allocations == before);
}

TEST_CASE("storage is aligned to 64 bytes and as large as was asked, zero bytes included") {
  for (const std::size_t bytes : {0U, 1U, 63U, 64U, 65U, 255U, 256U, 257U, 1000U, 4097U, 1000003U}) {
    const Storage storage(bytes);
    CHECK(storage.data() != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(storage.data()) % 64 == 0);
    std::memset(storage.data(), 1, bytes);
  }
}

TEST_CASE("two live storages never share memory, and a dropped one is handed out again") {
  const void* dropped = nullptr;
  {
    const Storage a(5000), b(5000);
    CHECK(a.data() != b.data());
    CHECK_FALSE(a.same_block(b));
    dropped = b.data();
  }
  const Storage c(5000), d(4900);  // the same size class
  CHECK((c.data() == dropped || d.data() == dropped));
}

TEST_CASE("the last copy returns the bytes, and statistics count them") {
  const std::int64_t before = allocator_stats().live_bytes;
  {
    const Storage a(1 << 20);
    Storage b = a;
    CHECK_FALSE(a.unique());
    CHECK(b.same_block(a));
    CHECK(allocator_stats().live_bytes - before >= 1 << 20);
    CHECK(allocator_stats().live_bytes - before <= (1 << 20) + (1 << 18));
    b = Storage();
    CHECK(a.unique());
  }
  CHECK(allocator_stats().live_bytes == before);
  CHECK(allocator_stats().peak_live_bytes - before >= 1 << 20);
}

TEST_CASE("releasing the cache gives the free blocks back to the system") {
  { const Storage a(1 << 16); }
  CHECK(allocator_stats().cached_bytes > 0);
  tempera::core::release_cached_storage();
  CHECK(allocator_stats().cached_bytes == 0);
  const std::int64_t before = allocator_stats().system_allocations;
  const Storage b(1 << 16);
  CHECK(allocator_stats().system_allocations == before + 1);
}

TEST_CASE("more bytes than there can be are refused without losing count") {
  const std::int64_t before = allocator_stats().live_bytes;
  CHECK_THROWS_AS(Storage(std::size_t{1} << 60), std::bad_alloc);
  CHECK(allocator_stats().live_bytes == before);
}

TEST_CASE("several threads allocate and drop at once without mixing blocks") {
  std::vector<std::thread> threads;
  std::vector<int> mixed(4, 0);
  for (std::size_t t = 0; t < mixed.size(); ++t) {
    threads.emplace_back([t, &mixed] {
      for (int i = 0; i < 2000; ++i) {
        const Storage storage(256 + 64 * static_cast<std::size_t>(i % 5));
        std::memset(storage.data(), static_cast<int>(t) + 1, 256);
        const Storage copy = storage;
        const auto* bytes = static_cast<const unsigned char*>(copy.data());
        if (bytes[0] != t + 1 || bytes[255] != t + 1) ++mixed[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : mixed) CHECK(count == 0);
}
