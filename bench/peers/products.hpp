// What the peers' programs in C++ share: a product by a library, made ready and timed by the program.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace peers {

/// Of C [m, n] = A [m, k] · B [k, n], row-major.
struct Extents {
  std::int64_t m = 0, n = 0, k = 0;
};

/// One way in which a library computes a product.
struct Product {
  std::string kernel;           ///< "f32_gemm_onednn"
  std::string how;              ///< what the library says about itself: implementation, core
  std::function<void()> run;    ///< once, packing of A included
  std::function<bool()> exact;  ///< whether sums of the largest bytes come out right; empty for floats
};

#ifdef WITH_ONEDNN
std::string onednn_name();
std::vector<Product> onednn_products(const Extents& extents, bool bytes, int threads);
#endif
#ifdef WITH_OPENBLAS
std::string openblas_name();
std::vector<Product> openblas_products(const Extents& extents, int threads);
#endif

}  // namespace peers
