// Matrix products of the shapes that training small networks consists of. items_per_second is FLOP/s.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "tempera/core/gemm.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/core/tensor.hpp"

namespace {

using tempera::core::Gemm;
using tempera::core::Precision;
using tempera::core::Tensor;

struct Extents {
  std::int64_t m, n, k;
};

// Those of the reference networks, as `tempera bench kernels` has them.
constexpr std::array kExtents{Extents{64, 128, 784},     Extents{784, 128, 64},    Extents{100, 1200, 784},
                              Extents{100, 1200, 1200},  Extents{1200, 1200, 100}, Extents{256, 512, 512},
                              Extents{1024, 1024, 1024}, Extents{4608, 32, 288},   Extents{1, 1200, 1200},
                              Extents{64, 10, 128},      Extents{64, 784, 128},    Extents{20, 576, 25}};

// Primes; a row or a column more or less than whole tiles of every level (6 × 16 and 14 × 32); few rows; the last layer.
constexpr std::array kAwkward{
    Extents{61, 67, 71},   Extents{127, 131, 137}, Extents{509, 521, 523}, Extents{41, 95, 256},
    Extents{43, 97, 256},  Extents{83, 223, 511},  Extents{85, 225, 513},  Extents{2, 1200, 1200},
    Extents{3, 1200, 784}, Extents{4, 1200, 1200}, Extents{5, 128, 784},   Extents{7, 1200, 1200},
    Extents{8, 128, 784},  Extents{64, 10, 9216},  Extents{100, 10, 1200}, Extents{256, 10, 128},
    Extents{1, 10, 128},   Extents{1, 1, 1024},    Extents{1024, 1, 1024}};

void multiply(benchmark::State& state, Extents e, bool transpose_a, bool transpose_b, Precision precision,
              int threads) {
  const int before = tempera::core::thread_count();
  tempera::core::set_thread_count(threads);
  const Tensor a = Tensor::full({e.m, e.k}, 0.5), b = Tensor::full({e.k, e.n}, 0.25);
  Tensor c({e.m, e.n});
  Gemm args{.m = e.m, .n = e.n, .k = e.k, .a = a.data(), .transpose_a = transpose_a, .b = b.data()};
  args.transpose_b = transpose_b;
  args.lda = transpose_a ? e.m : e.k;
  args.ldb = transpose_b ? e.k : e.n;
  args.c = c.mutable_data();
  args.ldc = e.n;
  args.precision = precision;
  for (auto step : state) {
    tempera::core::gemm(args);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * 2 * e.m * e.n * e.k);
  tempera::core::set_thread_count(before);
}

void add(const std::string& family, const Extents& e, int threads, Precision precision = Precision::kFloat32) {
  for (const std::string form : {"nn", "nt", "tn"}) {
    const std::string name = family + "/" + std::to_string(e.m) + "x" + std::to_string(e.n) + "x" +
                             std::to_string(e.k) + "/" + form + "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      multiply(state, e, form[0] == 't', form[1] == 't', precision, threads);
    })->UseRealTime();
  }
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const int threads : {1, 2}) {
    for (const Extents& e : kExtents) add("gemm", e, threads);
    for (const Extents& e : kExtents) add("gemm_bf16", e, threads, Precision::kBf16);
    for (const Extents& e : kAwkward) add("gemm_awkward", e, threads);
  }
  return true;
}();

}  // namespace
