#include "tempera/apps/bench/products.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tempera/apps/bench/int_product.hpp"
#include "tempera/apps/bench/measure.hpp"
#include "tempera/apps/version.hpp"
#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/tensor.hpp"

namespace tempera::cli::bench {
namespace {

double billions(double rate, const Extents& e) {
  const double operations = 2.0 * static_cast<double>(e.m) * static_cast<double>(e.n) * static_cast<double>(e.k);
  return std::round(10 * rate * operations / 1e9) / 10;
}

nlohmann::ordered_json line(const char* kernel, const Extents& e) {
  return {{"peer", std::string("tempera-") + version()},
          {"kernel", fmt::format("{}_{}", kernel, core::isa_name(core::kernels().level))},
          {"m", e.m},
          {"n", e.n},
          {"k", e.k},
          {"threads", core::thread_count()}};
}

// Every value of the cell is as likely as any other: none is 0 more often, which a kernel could gain from.
template <class T>
std::vector<T> any_bytes(std::int64_t count, const char* stream) {
  const core::Random random(1, stream);
  std::vector<T> bytes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<T>(random.bits(i) & 0xFFU);
  return bytes;
}

}  // namespace

nlohmann::ordered_json float_product(const Extents& e, double seconds, double peak) {
  const core::Tensor a = core::Tensor::full({e.m, e.k}, 1), b = core::Tensor::full({e.k, e.n}, 1);
  core::Tensor c({e.m, e.n});
  const core::Gemm product{.m = e.m,
                           .n = e.n,
                           .k = e.k,
                           .a = a.data(),
                           .lda = e.k,
                           .b = b.data(),
                           .ldb = e.n,
                           .c = c.mutable_data(),
                           .ldc = e.n};
  nlohmann::ordered_json facts = line("f32_gemm", e);
  facts["gflop_per_s"] = billions(best_rate(seconds, 1, [&] { core::gemm(product); }), e);
  facts["peak_gflop_per_s"] = std::round(peak / 1e8) / 10;
  return facts;
}

nlohmann::ordered_json int_product(const Extents& e, double seconds) {
  const auto a = any_bytes<std::uint8_t>(e.m * e.k, "activations");
  const auto weights = any_bytes<std::int8_t>(e.n * e.k, "weights");
  IntProduct product(a, weights, e.m, e.n, e.k);
  nlohmann::ordered_json facts = line("u8s8_gemm", e);
  facts["gop_per_s"] = billions(best_rate(seconds, 1, [&] { product.run(); }), e);
  return facts;
}

}  // namespace tempera::cli::bench
