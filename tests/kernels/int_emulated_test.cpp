// The AVX512-VNNI and AMX dot kernels on any machine: the same sources, compiled with intrinsics and tiles emulated in
// plain code. The oracle is the definition of DotTile, by loops.
#include <doctest/doctest.h>

#if __has_include(<simde/x86/avx512.h>)
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "tempera/core/kernels/int_table.hpp"

namespace {

using namespace tempera::core;

// What the emulation of Debian 12 lacks.
using __mmask16 = simde__mmask16;
__m256i _mm512_cvtepi32_epi16(__m512i x) { return _mm512_cvtsepi32_epi16(x); }  // the kernels' values fit
__m512i _mm512_cvtps_epi32(__m512 x) {
  float from[16];
  std::int32_t to[16];
  std::memcpy(from, &x, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = static_cast<std::int32_t>(__builtin_nearbyintf(from[i]));
  return _mm512_loadu_si512(to);
}

namespace vnni {
#include "../../core/kernels/int_avx512_vector.ipp"
#include "../../core/kernels/int_vnni.ipp"
}  // namespace vnni

// AMX tiles by their definition (Intel SDM, TDPBUSD): C[i][j] += Σ_k Σ_b A[i][4k + b] · B[k][4j + b].
struct Tiles {
  static inline std::uint8_t shape[64];
  static inline std::uint8_t data[8][16][64];

  static int rows(int t) { return shape[48 + t]; }
  static int bytes(int t) { return shape[16 + 2 * t] + 256 * shape[17 + 2 * t]; }
  static void configure(const void* shapes) {
    std::memcpy(shape, shapes, sizeof shape);
    std::memset(data, 0, sizeof data);
  }
  static void release() {}
  template <int Tile>
  static void zero() {
    std::memset(data[Tile], 0, sizeof data[Tile]);
  }
  template <int Tile>
  static void load(const void* x, std::int64_t stride) {
    zero<Tile>();
    for (int i = 0; i < rows(Tile); ++i) {
      std::memcpy(data[Tile][i], static_cast<const char*>(x) + i * stride, static_cast<std::size_t>(bytes(Tile)));
    }
  }
  template <int Tile>
  static void store(void* y, std::int64_t stride) {
    for (int i = 0; i < rows(Tile); ++i) {
      std::memcpy(static_cast<char*>(y) + i * stride, data[Tile][i], static_cast<std::size_t>(bytes(Tile)));
    }
  }
  template <int C, int A, int B>
  static void dot() {
    REQUIRE(rows(B) * 4 == bytes(A));
    for (int i = 0; i < rows(C); ++i) {
      for (int j = 0; j < bytes(C) / 4; ++j) {
        std::int32_t sum;
        std::memcpy(&sum, data[C][i] + 4 * j, 4);
        for (int k = 0; k < rows(B); ++k) {
          for (int b = 0; b < 4; ++b) {
            sum += data[A][i][4 * k + b] * static_cast<std::int8_t>(data[B][k][4 * j + b]);
          }
        }
        std::memcpy(data[C][i] + 4 * j, &sum, 4);
      }
    }
  }
};

namespace amx {
#include "../../core/kernels/int_amx.ipp"
}  // namespace amx

// Compares a kernel with the definition over awkward sizes; a step has `Group` values of A and B.
template <class A, class B, int Group>
std::int64_t wrong(void (*kernel)(const DotTile&) noexcept, std::int64_t largest_m) {
  constexpr std::int64_t kColumns = 32;
  std::mt19937 random(3);
  std::int64_t count = 0;
  for (std::int64_t m = 1; m <= largest_m; ++m) {
    for (const std::int64_t steps : {1, 2, 15, 16, 17, 33}) {
      for (const std::int64_t segments : {1, 3}) {
        const std::int64_t n = 1 + static_cast<std::int64_t>(random() % kColumns), row = steps * Group + 5;
        std::vector<A> a(static_cast<std::size_t>(m * segments * row));
        std::vector<B> panel(static_cast<std::size_t>(segments * steps * kColumns * Group));
        std::vector<std::int32_t> bias(kColumns), c(static_cast<std::size_t>(m * kColumns));
        const bool extreme = random() % 2 == 0;
        for (A& x : a) x = extreme ? std::numeric_limits<A>::max() : static_cast<A>(random());
        for (B& w : panel) w = extreme ? std::numeric_limits<B>::min() : static_cast<B>(random() % 128);
        for (std::int32_t& b : bias) b = static_cast<std::int32_t>(random() % 1000);
        std::vector<const void*> rows;
        for (std::int64_t i = 0; i < m; ++i) rows.push_back(a.data() + i * segments * row);
        kernel({.m = m,
                .n = n,
                .segments = segments,
                .steps = steps,
                .a = rows.data(),
                .a_segment = row * static_cast<std::int64_t>(sizeof(A)),
                .panel = panel.data(),
                .bias = bias.data(),
                .c = c.data()});
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            std::int64_t sum = bias[static_cast<std::size_t>(j)];
            for (std::int64_t s = 0; s < segments; ++s) {
              for (std::int64_t k = 0; k < steps * Group; ++k) {
                const std::int64_t step = s * steps + k / Group;
                sum += std::int64_t{a[static_cast<std::size_t>((i * segments + s) * row + k)]} *
                       panel[static_cast<std::size_t>((step * kColumns + j) * Group + k % Group)];
              }
            }
            count += c[static_cast<std::size_t>(i * kColumns + j)] != static_cast<std::int32_t>(sum) ? 1 : 0;
          }
        }
      }
    }
  }
  return count;
}

}  // namespace

TEST_CASE("the AVX512-VNNI kernels, emulated, give the sums of their definition") {
  IntKernelTable table;
  vnni::fill_vnni(table);
  CHECK(table.columns == 32);
  CHECK(wrong<std::int16_t, std::int16_t, 2>(table.dot_pairs, table.rows) == 0);
  CHECK(wrong<std::int16_t, std::int8_t, 2>(table.dot_pairs_s8, table.rows) == 0);
  CHECK(wrong<std::uint8_t, std::int8_t, 4>(table.dot_quads, table.quad_rows) == 0);
}

TEST_CASE("the AMX kernel, on emulated tiles, gives the sums of its definition") {
  CHECK(wrong<std::uint8_t, std::int8_t, 4>(amx::dot_quads, 16) == 0);
}
#endif
