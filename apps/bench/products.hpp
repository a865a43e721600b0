// The matrix products that small networks consist of, timed one by one.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace tempera::cli::bench {

/// Of C [m, n] = A [m, k] · B [k, n].
struct Extents {
  std::int64_t m, n, k;
};

inline constexpr std::array kProducts{Extents{64, 128, 784},     Extents{784, 128, 64},    Extents{100, 1200, 784},
                                      Extents{100, 1200, 1200},  Extents{1200, 1200, 100}, Extents{256, 512, 512},
                                      Extents{1024, 1024, 1024}, Extents{4608, 32, 288},   Extents{1, 1200, 1200}};

/// {"peer", "kernel", "m", "n", "k", "threads", "gflop_per_s", "peak_gflop_per_s"}: core::gemm, packing included. `peak` is
/// in operations a second, `seconds` the length of the timed part.
[[nodiscard]] nlohmann::ordered_json float_product(const Extents& extents, double seconds, double peak);

/// The same with "gop_per_s" and without a peak: bytes of activations times packed bytes of weights, as the integer engine
/// multiplies them.
[[nodiscard]] nlohmann::ordered_json int_product(const Extents& extents, double seconds);

}  // namespace tempera::cli::bench
