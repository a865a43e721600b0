// Matrix products of the shapes that training small networks consists of. items_per_second is FLOP/s.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "tempera/core/gemm.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/core/tensor.hpp"

namespace {

using tempera::Scalar;
using tempera::core::Gemm;
using tempera::core::Precision;
using tempera::core::Tensor;

struct Extents {
  std::int64_t m, n, k;
};

constexpr std::array kExtents{Extents{64, 128, 784},     Extents{784, 128, 64},    Extents{100, 1200, 784},
                              Extents{100, 1200, 1200},  Extents{1200, 1200, 100}, Extents{256, 512, 512},
                              Extents{1024, 1024, 1024}, Extents{4608, 32, 288},   Extents{1, 1200, 1200},
                              Extents{64, 10, 128},      Extents{64, 784, 128},    Extents{20, 576, 25}};

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

[[maybe_unused]] const bool registered = [] {
  for (const int threads : {1, 2}) {
    for (const Extents& e : kExtents) {
      for (const std::string form : {"nn", "nt", "tn"}) {
        for (const Precision precision : {Precision::kFloat32, Precision::kBf16}) {
          const std::string kind = precision == Precision::kBf16 ? "gemm_bf16/" : "gemm/";
          const std::string name = kind + std::to_string(e.m) + "x" + std::to_string(e.n) + "x" + std::to_string(e.k) +
                                   "/" + form + "/threads:" + std::to_string(threads);
          benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
            multiply(state, e, form[0] == 't', form[1] == 't', precision, threads);
          })->UseRealTime();
        }
      }
    }
  }
  return true;
}();

}  // namespace
