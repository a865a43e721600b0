// Products of floats by OpenBLAS.
#include <cblas.h>
#include <fmt/format.h>

#include <memory>

#include "products.hpp"

namespace peers {

std::string openblas_name() {
  const std::string config =
      openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH … Haswell MAX_THREADS=64"
  const auto begin = config.find(' ') + 1;
  return "openblas-" + config.substr(begin, config.find(' ', begin) - begin);
}

std::vector<Product> openblas_products(const Extents& e, int threads) {
  openblas_set_num_threads(threads);
  struct Operands {
    std::vector<float> a, b, c;
  };
  const auto at = std::make_shared<Operands>(Operands{.a = std::vector<float>(static_cast<std::size_t>(e.m * e.k), 1),
                                                      .b = std::vector<float>(static_cast<std::size_t>(e.k * e.n), 1),
                                                      .c = std::vector<float>(static_cast<std::size_t>(e.m * e.n))});
  const auto m = static_cast<int>(e.m), n = static_cast<int>(e.n), k = static_cast<int>(e.k);
  return {{.kernel = "f32_gemm_openblas",
           .how = fmt::format("core {}", openblas_get_corename()),
           .run =
               [=] {
                 cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, at->a.data(), k, at->b.data(), n, 0,
                             at->c.data(), n);
               },
           .exact = {}}};
}

}  // namespace peers
