// The cost of a parallel loop with nothing in it. docs/decisions/parallel-backend.md has that of OpenMP and of oneTBB.
#include <benchmark/benchmark.h>

#include "tempera/core/parallel.hpp"

namespace {

void empty_region(benchmark::State& state) {
  const int before = tempera::core::thread_count();
  tempera::core::set_thread_count(static_cast<int>(state.range(0)));
  for (auto step : state) {
    tempera::core::parallel_for(state.range(1), 1,
                                [](std::int64_t begin, std::int64_t) { benchmark::DoNotOptimize(begin); });
  }
  tempera::core::set_thread_count(before);
}

}  // namespace

// {threads, chunks}
BENCHMARK(empty_region)->Args({1, 2})->Args({2, 2})->Args({2, 16})->Args({4, 4})->UseRealTime();
