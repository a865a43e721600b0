// Elementwise functions, reductions and optimizer steps of the sizes of a training step, each beside the limit that memory or the
// multipliers set it (bounds.hpp).
#include <benchmark/benchmark.h>

#include <functional>
#include <utility>

#include "bounds.hpp"
#include "tempera/core/kernels/bf16_table.hpp"
#include "tempera/core/kernels/table.hpp"

namespace {

using bounds::Work;
using tempera::core::kernels;
using tempera::core::KernelTable;

using Floats = bounds::Values<float>;

Floats filled(std::int64_t n, float value) { return Floats(static_cast<std::size_t>(n), value); }

// The kernel by itself, then in turn with its limit. bytes_per_second counts what has to be read and written at least.
void run(benchmark::State& state, const Work& work, const std::function<void()>& kernel) {
  for (auto step : state) {
    kernel();
    benchmark::ClobberMemory();
  }
  const std::int64_t read = (work.from_bytes ? 1 : 4) * work.reads, written = 4 * work.writes;
  state.SetBytesProcessed(state.iterations() * work.elements * (read + written));
  bounds::compare_with_limit(state, work, [&kernel] {
    kernel();
    benchmark::ClobberMemory();
  });
}

void unary(benchmark::State& state, KernelTable::Unary kernel, double multiplies) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F);
  Floats y(x);
  run(state, {.elements = n, .reads = 1, .writes = 1, .multiplies = multiplies},
      [&] { kernel(n, x.data(), y.data()); });
}

// add, mul, relu_grad: two operands.
template <class Kernel>
void binary(benchmark::State& state, Kernel kernel) {
  const std::int64_t n = state.range(0);
  const Floats a = filled(n, 0.5F), b = filled(n, 0.1F);
  Floats y(b);
  run(state, {.elements = n, .reads = 2, .writes = 1}, [&] { kernel(n, a.data(), b.data(), y.data()); });
}

// sum, sum_squares, max.
template <class Kernel>
void reduction(benchmark::State& state, Kernel kernel) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F);
  run(state, {.elements = n, .reads = 1}, [&] { benchmark::DoNotOptimize(kernel(n, x.data())); });
}

void axpy(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 1e-3F);
  Floats y = filled(n, 0.1F);
  run(state, {.elements = n, .reads = 2, .writes = 1, .in_place = true},
      [&] { kernels().axpy(n, 1e-4F, x.data(), y.data()); });
}

void sgd(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats g = filled(n, 1e-3F);
  Floats v = filled(n, 0), w = filled(n, 0.1F);
  run(state, {.elements = n, .reads = 3, .writes = 2},
      [&] { kernels().sgd(n, 1e-4F, 0.9F, 0, false, g.data(), v.data(), w.data()); });
}

// Ranges and 8-bit fake quantization with its gradient. What they do to each value goes through the pipes of multiplications.
constexpr tempera::core::FakeQuantGrid kGrid{.scale = 0.01F, .zero = 3, .low = -128, .high = 127};

void min_max(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F);
  float low = 0, high = 0;
  // A minimum, a maximum and half a comparison.
  run(state, {.elements = n, .reads = 1, .multiplies = 2.5}, [&] { kernels().min_max(n, x.data(), &low, &high); });
}

// A step, its distance and the largest of these; then a clamp, whether it had to, and the product.
constexpr double kFindStep = 4, kClamp = 3, kScale = 1;

void fake_quant_by(benchmark::State& state, const tempera::core::FakeQuantGrid& grid) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F);
  Floats y(x);
  const double multiplies = kFindStep + (grid.covers ? 0 : kClamp) + kScale;
  run(state, {.elements = n, .reads = 1, .writes = 1, .multiplies = multiplies},
      [&] { kernels().fake_quant(n, grid, x.data(), y.data()); });
}
void fake_quant(benchmark::State& state) { fake_quant_by(state, kGrid); }

// Of a range that was just observed: nothing is clamped.
void fake_quant_covered(benchmark::State& state) {
  tempera::core::FakeQuantGrid grid = kGrid;
  grid.covers = true;
  fake_quant_by(state, grid);
}

// The same, kept as bytes: what is written is a quarter, and not in the limit.
void fake_quant_bytes(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F);
  bounds::Values<std::int8_t> q(static_cast<std::size_t>(n));
  tempera::core::FakeQuantGrid grid = kGrid;
  grid.zero = 0;
  grid.covers = true;
  run(state, {.elements = n, .reads = 1, .multiplies = kFindStep + 2},  // and converts and packs it
      [&] { kernels().fake_quant_bytes(n, grid, x.data(), q.data()); });
}

void fake_quant_grad(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats x = filled(n, 0.5F), dy = filled(n, 0.1F);
  Floats dx(x);
  run(state, {.elements = n, .reads = 2, .writes = 1, .multiplies = kFindStep + kClamp},
      [&] { kernels().fake_quant_grad(n, kGrid, x.data(), dy.data(), dx.data()); });
}

void adam(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const Floats g = filled(n, 1e-3F);
  Floats m = filled(n, 0), v = filled(n, 0), w = filled(n, 0.1F);
  run(state, {.elements = n, .reads = 4, .writes = 3, .multiplies = 8, .roots = 1}, [&] {
    kernels().adam(n, 1e-4F, 0.9F, 0.999F, 1e-8F, 0.1F, 0.001F, 0, 0, g.data(), m.data(), v.data(), w.data());
  });
}

void normalize_u8(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  const bounds::Values<std::uint8_t> x(static_cast<std::size_t>(n), 7);
  Floats y = filled(n, 0);
  run(state, {.elements = n, .reads = 1, .writes = 1, .from_bytes = true},
      [&] { kernels().normalize_u8(n, x.data(), 1.0F / 255, -0.5F, y.data()); });
}

void column_sum(benchmark::State& state) {
  const std::int64_t rows = state.range(0), columns = state.range(1);
  const Floats x = filled(rows * columns, 0.5F);
  Floats y = filled(columns, 0);
  run(state, {.elements = rows * columns, .reads = 1},
      [&] { kernels().column_sum(rows, columns, x.data(), y.data()); });
}

// Batch norm's passes over images [samples, channels, cells].
tempera::core::ChannelBlock channel_block(const benchmark::State& state) {
  return {.samples = state.range(0),
          .channels = state.range(1),
          .cells = state.range(2),
          .row = state.range(1) * state.range(2)};
}

void channel_squares(benchmark::State& state) {
  const auto block = channel_block(state);
  const std::int64_t n = block.samples * block.row;
  const Floats x = filled(n, 0.5F), mean = filled(block.channels, 0.25F);
  Floats sums = filled(block.channels, 0);
  run(state, {.elements = n, .reads = 1},
      [&] { kernels().channel_squares(block, x.data(), mean.data(), sums.data()); });
}

void channel_scale(benchmark::State& state) {
  const auto block = channel_block(state);
  const std::int64_t n = block.samples * block.row;
  const Floats x = filled(n, 0.5F), by = filled(block.channels, 0.25F);
  Floats y = filled(n, 0);
  run(state, {.elements = n, .reads = 1, .writes = 1},
      [&] { kernels().channel_scale(block, x.data(), by.data(), by.data(), by.data(), y.data()); });
}

void channel_scale_grad(benchmark::State& state) {
  const auto block = channel_block(state);
  const std::int64_t n = block.samples * block.row;
  const Floats x = filled(n, 0.5F), dy = filled(n, 0.1F), by = filled(block.channels, 0.25F);
  Floats dx = filled(n, 0);
  run(state, {.elements = n, .reads = 2, .writes = 1}, [&] {
    kernels().channel_scale_grad(block, dy.data(), x.data(), by.data(), by.data(), by.data(), by.data(), dx.data());
  });
}

// Multiplications and multiply-adds of exp: the argument by log2 e, two for the remainder, five of the polynomial, its last with
// r², and 2^k in two factors.
constexpr double kExp = 12;

void cross_entropy(benchmark::State& state) {
  const std::int64_t rows = state.range(0), columns = state.range(1);
  const Floats x = filled(rows * columns, 0.5F);
  const std::vector<std::int32_t> labels(static_cast<std::size_t>(rows), 3);
  Floats loss = filled(rows, 0), grad = filled(rows * columns, 0);
  run(state, {.elements = rows * columns, .reads = 1, .writes = 1, .multiplies = kExp + 1},
      [&] { kernels().cross_entropy(rows, columns, x.data(), labels.data(), 0, 0.01F, loss.data(), grad.data()); });
}

constexpr std::int64_t kHidden = 64 * 128, kOdd = 8191, kWeights = 784 * 128;

[[maybe_unused]] const bool kRegistered = [] {
  const auto& table = kernels();
  // tanh and gelu branch on their data, so that only their memory is counted.
  for (const auto& [name, kernel, multiplies] :
       {std::tuple{"relu", table.relu, 0.0}, std::tuple{"exp", table.exp, kExp}, std::tuple{"tanh", table.tanh, 0.0},
        std::tuple{"gelu", table.gelu, 0.0}, std::tuple{"to_bf16", tempera::core::bf16_kernels().round, 0.0}}) {
    benchmark::RegisterBenchmark(name, [k = kernel, m = multiplies](benchmark::State& state) { unary(state, k, m); })
        ->Arg(kHidden)
        ->Arg(kOdd);
  }
  for (const auto& [name, kernel] :
       {std::pair{"add", table.add}, std::pair{"mul", table.mul}, std::pair{"relu_grad", table.relu_grad}}) {
    benchmark::RegisterBenchmark(name, [k = kernel](benchmark::State& state) { binary(state, k); })
        ->Arg(kHidden)
        ->Arg(kOdd);
  }
  for (const auto& [name, kernel] : {std::pair{"sum", table.sum}, std::pair{"sum_squares", table.sum_squares}}) {
    benchmark::RegisterBenchmark(name, [k = kernel](benchmark::State& state) { reduction(state, k); })
        ->Arg(kHidden)
        ->Arg(kOdd)
        ->Arg(12 * kWeights);
  }
  return true;
}();

}  // namespace

BENCHMARK(axpy)->Arg(kWeights);
BENCHMARK(min_max)->Arg(kHidden)->Arg(kWeights);
BENCHMARK(fake_quant)->Arg(kHidden)->Arg(kWeights);
BENCHMARK(fake_quant_covered)->Arg(kHidden)->Arg(kWeights);
BENCHMARK(fake_quant_bytes)->Arg(kHidden)->Arg(kWeights);
BENCHMARK(fake_quant_grad)->Arg(kHidden)->Arg(kWeights);
BENCHMARK(sgd)->Arg(kWeights)->Arg(12 * kWeights);
BENCHMARK(adam)->Arg(kWeights);
BENCHMARK(normalize_u8)->Arg(64 * 784);
BENCHMARK(column_sum)->Args({64, 128})->Args({100, 1200})->Args({64, 10});
BENCHMARK(channel_squares)->Args({64, 12, 196})->Args({64, 128, 1});
BENCHMARK(channel_scale)->Args({64, 12, 196})->Args({64, 128, 1});
BENCHMARK(channel_scale_grad)->Args({64, 12, 196})->Args({64, 128, 1});
BENCHMARK(cross_entropy)->Args({64, 10})->Args({100, 1000});
