// The AVX512-VNNI and AMX integer kernels on any machine: the same sources, compiled with intrinsics and tiles emulated in
// plain code, against their definitions (int_kernel_checks.hpp).
#include <doctest/doctest.h>

#if __has_include(<simde/x86/avx512.h>)
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>

#include "kernels/emulated_tiles.hpp"
#include "kernels/int_filter_checks.hpp"
#include "kernels/int_kernel_checks.hpp"
#include "kernels/int_value_checks.hpp"
#include "tempera/core/kernels/int_table.hpp"

namespace {

using namespace tempera::core;
using namespace tempera::test::integer;

// What the emulation of Debian 12 lacks, under the names of the instructions. NOLINTBEGIN(readability-identifier-naming)
using __mmask16 = simde__mmask16;
__m256i _mm512_cvtepi32_epi16(__m512i x) { return _mm512_cvtsepi32_epi16(x); }  // the kernels' values fit
__m128i _mm512_cvtepi32_epi8(__m512i x) {
  std::int32_t from[16];
  std::uint8_t to[16];
  std::memcpy(from, &x, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = static_cast<std::uint8_t>(from[i]);
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(to));
}
__m512i _mm512_cvtps_epi32(__m512 x) {
  float from[16];
  std::int32_t to[16];
  std::memcpy(from, &x, sizeof from);
  for (int i = 0; i < 16; ++i) to[i] = static_cast<std::int32_t>(__builtin_nearbyintf(from[i]));
  return _mm512_loadu_si512(to);
}
// NOLINTEND(readability-identifier-naming)

namespace vnni {
struct Divisor {  // the kernel's own takes fused operations, which the emulation rounds twice
  __m512 scale;
  explicit Divisor(float s) : scale(_mm512_set1_ps(s)) {}
  __m512 operator()(__m512 x) const { return _mm512_div_ps(x, scale); }
};
#include "../../core/kernels/int_avx512_vector.ipp"
#include "../../core/kernels/int_vnni.ipp"
}  // namespace vnni

// AMX tiles by their definition (Intel SDM, TDPBUSD): C[i][j] += Σ_k Σ_b A[i][4k + b] · B[k][4j + b].
struct Tiles : tempera::test::EmulatedTiles {
  template <int C, int A, int B>
  static void dot() {
    REQUIRE(rows(A) == rows(C));
    REQUIRE(rows(B) * 4 == bytes(A));
    REQUIRE(bytes(B) == bytes(C));
    for (int i = 0; i < rows(C); ++i) {
      for (int j = 0; j < bytes(C) / 4; ++j) {
        std::int32_t sum = 0;
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
#include "../../core/kernels/amx_tiles.ipp"
#include "../../core/kernels/int_amx.ipp"
}  // namespace amx

IntKernelTable emulated() {
  IntKernelTable table;
  vnni::fill_vnni(table);
  return table;
}

}  // namespace

TEST_CASE("the AVX512-VNNI kernels, emulated, give the sums of their definition") {
  const IntKernelTable table = emulated();
  CHECK(table.columns == 32);
  check_tiles<std::int16_t, std::int16_t, 2>(table.dot_pairs, table.columns, table.rows);
  check_tiles<std::int16_t, std::int8_t, 2>(table.dot_pairs_s8, table.columns, table.rows);
  check_tiles<std::uint8_t, std::int8_t, 4>(table.dot_quads, table.columns, table.quad_rows);
  check_panels(table.dot_quads, table.columns);
  check_sparse(table);
}

TEST_CASE("the AVX-512 requantization and quantization, emulated, round as their definition does") {
  check_requant(emulated());
  check_quantize(emulated());
  check_quantize_ties(emulated());
}

TEST_CASE("minimal filtering in AVX-512, emulated, gives correlations") {
  check_filters(emulated());
  check_filter_widths(emulated());
  check_pooled_sums(emulated());
}

TEST_CASE("the AMX kernel, on emulated tiles, gives the sums of its definition") {
  check_tiles<std::uint8_t, std::int8_t, 4>(amx::dot_quads, 32, 32);
  check_panels(amx::dot_quads, 32);
}
#endif
