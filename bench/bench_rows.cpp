// Elementwise functions, reductions and optimizer steps of the sizes of a training step. bytes_per_second counts what
// has to be read and written at least.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "tempera/core/kernels/bf16_table.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using tempera::core::kernels;
using tempera::core::KernelTable;

using Floats = std::vector<float>;

Floats filled(std::int64_t n, float value) { return Floats(static_cast<std::size_t>(n), value); }

void count_bytes(benchmark::State& state, std::int64_t bytes) { state.SetBytesProcessed(state.iterations() * bytes); }

void unary(benchmark::State& state, KernelTable::Unary kernel) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F);
  Floats y(x);
  for (auto step : state) {
    kernel(n, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 8 * n);
}

void relu_grad(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats dy = filled(n, 0.5F), y = filled(n, 0.1F);
  Floats dx(y);
  for (auto step : state) {
    kernels().relu_grad(n, dy.data(), y.data(), dx.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 12 * n);
}

void sgd(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats g = filled(n, 1e-3F);
  Floats v = filled(n, 0), w = filled(n, 0.1F);
  for (auto step : state) {
    kernels().sgd(n, 1e-4F, 0.9F, 0, false, g.data(), v.data(), w.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 20 * n);
}

void adam(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats g = filled(n, 1e-3F);
  Floats m = filled(n, 0), v = filled(n, 0), w = filled(n, 0.1F);
  for (auto step : state) {
    kernels().adam(n, 1e-4F, 0.9F, 0.999F, 1e-8F, 0.1F, 0.001F, 0, 0, g.data(), m.data(), v.data(), w.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 28 * n);
}

void normalize_u8(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const std::vector<std::uint8_t> x(static_cast<std::size_t>(n), 7);
  Floats y = filled(n, 0);
  for (auto step : state) {
    kernels().normalize_u8(n, x.data(), 1.0F / 255, -0.5F, y.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 5 * n);
}

void column_sum(benchmark::State& state) {
  const std::int64_t rows = state.range(0), columns = state.range(1);
  const Floats x = filled(rows * columns, 0.5F);
  Floats y = filled(columns, 0);
  for (auto step : state) {
    kernels().column_sum(rows, columns, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 4 * rows * columns);
}

void cross_entropy(benchmark::State& state) {
  const std::int64_t rows = state.range(0), columns = state.range(1);
  const Floats x = filled(rows * columns, 0.5F);
  const std::vector<std::int32_t> labels(static_cast<std::size_t>(rows), 3);
  Floats loss = filled(rows, 0), grad = filled(rows * columns, 0);
  for (auto step : state) {
    kernels().cross_entropy(rows, columns, x.data(), labels.data(), 0, 0.01F, loss.data(), grad.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, 8 * rows * columns);
}

constexpr std::int64_t kHidden = 64 * 128, kWeights = 784 * 128;

[[maybe_unused]] const bool registered = [] {
  const auto& table = kernels();
  for (const auto& [name, kernel] :
       {std::pair{"relu", table.relu}, std::pair{"exp", table.exp}, std::pair{"tanh", table.tanh},
        std::pair{"gelu", table.gelu}, std::pair{"to_bf16", tempera::core::bf16_kernels().round}}) {
    benchmark::RegisterBenchmark(name, [kernel = kernel](benchmark::State& state) {
      unary(state, kernel);
    })->Arg(kHidden);
  }
  return true;
}();

}  // namespace

BENCHMARK(relu_grad)->Arg(kHidden);
BENCHMARK(sgd)->Arg(kWeights)->Arg(12 * kWeights);
BENCHMARK(adam)->Arg(kWeights);
BENCHMARK(normalize_u8)->Arg(64 * 784);
BENCHMARK(column_sum)->Args({64, 128})->Args({100, 1200})->Args({64, 10});
BENCHMARK(cross_entropy)->Args({64, 10})->Args({100, 1000});
