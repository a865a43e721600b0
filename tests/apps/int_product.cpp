// A product of bytes as the benchmark times it. Oracle: the sums by a plain loop.
#include "tempera/apps/bench/int_product.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "tempera/apps/bench/products.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"

using namespace tempera;

namespace {

// C = A·B with B given as [n, k].
std::vector<std::int32_t> plain_product(const std::vector<std::uint8_t>& a, const std::vector<std::int8_t>& b,
                                        std::size_t m, std::size_t n, std::size_t k) {
  std::vector<std::int32_t> c(m * n, 0);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t p = 0; p < k; ++p) c[i * n + j] += a[i * k + p] * b[j * k + p];
    }
  }
  return c;
}

}  // namespace

TEST_CASE("the product of bytes that is timed is the exact product, at any shape and with any threads") {
  const core::Random random(5, "int_product");
  const int before = core::thread_count();
  for (const cli::bench::Extents e : {cli::bench::Extents{1, 1, 1},
                                      {1, 33, 70},
                                      {3, 10, 128},
                                      {47, 17, 31},
                                      {48, 16, 64},
                                      {49, 15, 65},
                                      {130, 41, 257}}) {
    CAPTURE(e.m);
    std::vector<std::uint8_t> a(static_cast<std::size_t>(e.m * e.k));
    std::vector<std::int8_t> b(static_cast<std::size_t>(e.n * e.k));
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::uint8_t>(random.bits(i) >> 24);
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::int8_t>(random.bits(i) & 0xFF);
    a.front() = 255;
    b.front() = -128;
    const auto expected = plain_product(a, b, static_cast<std::size_t>(e.m), static_cast<std::size_t>(e.n),
                                        static_cast<std::size_t>(e.k));
    for (const int threads : {1, 3}) {
      core::set_thread_count(threads);
      cli::bench::IntProduct product(a, b, e.m, e.n, e.k);
      for (int time = 0; time < 2; ++time) {
        product.run();
        CHECK(product.result() == expected);
      }
    }
  }
  core::set_thread_count(before);
}

TEST_CASE("a line about a product of bytes names kernel, shape and speed") {
  const auto line = cli::bench::int_product({.m = 5, .n = 7, .k = 9}, 0.01);
  CHECK(line["kernel"].get<std::string>().starts_with("u8s8_gemm_"));
  CHECK(line["m"] == 5);
  CHECK(line["n"] == 7);
  CHECK(line["k"] == 9);
  CHECK(line["gop_per_s"].get<double>() >= 0);
  CHECK_FALSE(line.contains("peak_gflop_per_s"));
}
