// Tiles of the integer kernels, and the loops they cannot be faster than: products and sums in registers alone, pairs of
// int16 as the kernels take them, and bytes whose pairs saturate as they do not. Operations are two for each product.
#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <cstdint>
#include <vector>

#include "tempera/core/kernels/int_table.hpp"

namespace {

using tempera::core::DotTile;
using tempera::core::int_kernels;

void count(benchmark::State& state, std::int64_t products) {
  const auto operations = static_cast<double>(2 * products * state.iterations());
  state.counters["op/s"] = benchmark::Counter(operations, benchmark::Counter::kIsRate);
}

using Kernel = void (*)(const DotTile&) noexcept;

// 36 rows and a panel, which stay in the first cache; `range` steps.
void tile(benchmark::State& state, Kernel kernel) {
  constexpr std::int64_t kRows = 36;
  const std::int64_t steps = state.range(0), columns = int_kernels().columns;
  const std::vector<std::int16_t> x(static_cast<std::size_t>(kRows * 2 * steps + 32), 1);
  const std::vector<std::int16_t> panel(static_cast<std::size_t>(2 * steps * columns), 1);
  const std::vector<std::int32_t> bias(static_cast<std::size_t>(columns));
  std::vector<std::int32_t> c(static_cast<std::size_t>(kRows * columns));
  std::vector<const void*> rows;
  for (std::int64_t i = 0; i < kRows; ++i) rows.push_back(x.data() + i * 2 * steps);
  for (auto step : state) {
    kernel({.m = kRows,
            .n = columns,
            .steps = steps,
            .a = rows.data(),
            .panel = panel.data(),
            .bias = bias.data(),
            .c = c.data()});
    benchmark::ClobberMemory();
  }
  count(state, kRows * columns * 2 * steps);
}

#ifdef __x86_64__
constexpr int kSums = 8, kTimes = 64;

__attribute__((target("avx2"))) void pairs_alone(benchmark::State& state) {
  __m256i sums[kSums] = {}, a = _mm256_set1_epi16(3);
  const __m256i b = _mm256_set1_epi16(5);
  for (auto step : state) {
    for (int t = 0; t < kTimes; ++t) {
#pragma GCC unroll 8
      for (int i = 0; i < kSums; ++i) {
        asm volatile("" : "+x"(a));  // or else all products were one
        sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(a, b));
      }
    }
  }
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
  count(state, std::int64_t{kTimes} * kSums * 16);
}

__attribute__((target("avx2"))) void bytes_alone(benchmark::State& state) {
  __m256i sums[kSums] = {}, a = _mm256_set1_epi8(3);
  const __m256i b = _mm256_set1_epi8(5), ones = _mm256_set1_epi16(1);
  for (auto step : state) {
    for (int t = 0; t < kTimes; ++t) {
#pragma GCC unroll 8
      for (int i = 0; i < kSums; ++i) {
        asm volatile("" : "+x"(a));
        sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
      }
    }
  }
  for (auto& sum : sums) benchmark::DoNotOptimize(sum);
  count(state, std::int64_t{kTimes} * kSums * 32);
}
#endif

const bool kRegistered = [] {
  for (const std::int64_t steps : {16, 50, 392}) {
    benchmark::RegisterBenchmark("int_tile/pairs", tile, int_kernels().dot_pairs)->Arg(steps);
    benchmark::RegisterBenchmark("int_tile/bytes_widened", tile, int_kernels().dot_pairs_s8)->Arg(steps);
  }
#ifdef __x86_64__
  if (int_kernels().level >= tempera::core::Isa::kAvx2) {
    benchmark::RegisterBenchmark("int_bound/pairs", pairs_alone);
    benchmark::RegisterBenchmark("int_bound/saturating_bytes", bytes_alone);
  }
#endif
  return true;
}();

}  // namespace
