// Deterministic parallel loops: how a range is cut depends on the problem, never on the number of threads, so results
// do not depend on it either.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace tempera::core {

/// Threads that parallel loops may use; at first the processors this process may run on.
[[nodiscard]] int thread_count() noexcept;
/// Throws ConfigError unless 1 ≤ threads ≤ 1024.
void set_thread_count(int threads);

namespace detail {
using ChunkFn = void (*)(void* context, std::int64_t chunk);
/// Calls fn(context, i) for i in [0, chunks), in any order, on several threads. Nested calls run on the caller's thread.
/// An exception thrown by a chunk is rethrown on the caller's thread after all have ended (the lowest chunk's wins).
void run_chunks(std::int64_t chunks, ChunkFn fn, void* context);
}  // namespace detail

/// Cuts [0, n) into chunks of `grain` and calls fn(begin, end) for each.
template <class Fn>
void parallel_for(std::int64_t n, std::int64_t grain, Fn&& fn) {
  if (n <= 0) return;
  const std::int64_t chunks = (n + grain - 1) / grain;
  if (chunks == 1) {
    fn(std::int64_t{0}, n);
    return;
  }
  struct Context {
    std::remove_reference_t<Fn>* fn;
    std::int64_t n, grain;
  } context{std::addressof(fn), n, grain};
  detail::run_chunks(
      chunks,
      [](void* raw, std::int64_t chunk) {
        const auto& c = *static_cast<Context*>(raw);
        const std::int64_t begin = chunk * c.grain;
        (*c.fn)(begin, begin + c.grain < c.n ? begin + c.grain : c.n);
      },
      &context);
}

/// combine(…combine(combine(init, map(chunk 0)), map(chunk 1))…): chunks of `grain`, combined in their order.
template <class T, class Map, class Combine>
[[nodiscard]] T parallel_reduce(std::int64_t n, std::int64_t grain, T init, Map&& map, Combine&& combine) {
  if (n <= 0) return init;
  const std::int64_t chunks = (n + grain - 1) / grain;
  if (chunks == 1) return combine(std::move(init), map(std::int64_t{0}, n));
  std::vector<T> partial(static_cast<std::size_t>(chunks), init);
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    partial[static_cast<std::size_t>(begin / grain)] = map(begin, end);
  });
  for (T& value : partial) init = combine(std::move(init), std::move(value));
  return init;
}

}  // namespace tempera::core
