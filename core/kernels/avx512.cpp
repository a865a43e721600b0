// AVX-512 (F, DQ, BW, VL): sixteen floats a vector, masks for nothing.
#include <immintrin.h>

#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core {
namespace {

using V = xsimd::batch<float, xsimd::avx512dq>;
constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kTileRows = 14;
constexpr std::int64_t kTileVectors = 2;
constexpr std::int64_t kTileDepth = 320;  // 32 columns: 40 KiB at most, of a first cache of 48
constexpr std::int64_t kDotRows = 6;
constexpr bool kMaskIsFree = true;
constexpr bool kFuses = true;  // fma rounds once

// The first lanes of a vector.
struct Part {
  __mmask16 mask;
};

Part part_of(std::int64_t n) noexcept { return {static_cast<__mmask16>(n < 16 ? (1U << n) - 1 : 0xFFFFU)}; }

V load(const float* x, Part part) noexcept { return _mm512_maskz_loadu_ps(part.mask, x); }
void store(float* y, Part part, V value) noexcept { _mm512_mask_storeu_ps(y, part.mask, value); }

// The lanes [begin, end), none if end ≤ begin.
using Span = Part;

Span span_of(std::int64_t begin, std::int64_t end) noexcept {
  const std::uint32_t below = end <= 0 ? 0U : part_of(end).mask;
  return {static_cast<__mmask16>(below & ~(begin < 16 ? (1U << begin) - 1 : 0xFFFFU))};
}

// xsimd 8.1 multiplies and adds in two instructions at this level.
V fma(V a, V b, V c) noexcept { return _mm512_fmadd_ps(a, b, c); }
V fnma(V a, V b, V c) noexcept { return _mm512_fnmadd_ps(a, b, c); }

// |a| or b, whichever is larger; b where a is NaN.
V larger_magnitude(V a, V b) noexcept {
  constexpr int kLargestWithoutSign = 0b1011;
  return _mm512_range_ps(a, b, kLargestWithoutSign);
}

// Where either is NaN.
V::batch_bool_type unordered(V a, V b) noexcept { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); }

// y·2^k for whole k.
V times_power_of_two(V y, V k) noexcept { return _mm512_scalef_ps(y, k); }

V load_bytes(const std::uint8_t* x) noexcept {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
}

V load_signed_bytes(const std::int8_t* x) noexcept {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
}

// Whole numbers of a byte.
void store_as_bytes(const V (&x)[4], std::int8_t* y) noexcept {
  const __m512i low = _mm512_packs_epi32(_mm512_cvtps_epi32(x[0]), _mm512_cvtps_epi32(x[1]));
  const __m512i high = _mm512_packs_epi32(_mm512_cvtps_epi32(x[2]), _mm512_cvtps_epi32(x[3]));
  // Packing goes by quarters: groups of four lie as 0 4 8 12 1 5 …
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(y, _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high)));
}

// quad[i] = rows[l][p + i] in lane l. Inserted by fours: some processors gather slowly.
void load_quads(const std::int8_t* const* rows, std::int64_t p, V (&quad)[4]) noexcept {
  const auto word = [&](int l) { return _mm_cvtsi128_si32(_mm_loadu_si32(rows[l] + p)); };
  const auto four = [&](int l) { return _mm_setr_epi32(word(l), word(l + 1), word(l + 2), word(l + 3)); };
  __m512i words = _mm512_castsi128_si512(four(0));
  words = _mm512_inserti32x4(words, four(4), 1);
  words = _mm512_inserti32x4(words, four(8), 2);
  words = _mm512_inserti32x4(words, four(12), 3);
  quad[0] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(words, 24), 24));
  quad[1] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(words, 16), 24));
  quad[2] = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(words, 8), 24));
  quad[3] = _mm512_cvtepi32_ps(_mm512_srai_epi32(words, 24));
}

// Sums of lanes that are congruent modulo 4.
__m128 fold(V x) noexcept {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

// Lane group l (of four floats) from x[l]. Masked broadcasts use the load ports alone, insertions would need port 5.
V load_groups(const float* const* x) noexcept {
  __m512 v = _mm512_broadcast_f32x4(_mm_loadu_ps(x[0]));
  v = _mm512_mask_broadcast_f32x4(v, 0x00F0, _mm_loadu_ps(x[1]));
  v = _mm512_mask_broadcast_f32x4(v, 0x0F00, _mm_loadu_ps(x[2]));
  return _mm512_mask_broadcast_f32x4(v, 0xF000, _mm_loadu_ps(x[3]));
}

// The lower half of lane group l from x[l], the upper from x[l] + step.
V load_group_halves(const float* const* x, std::int64_t step) noexcept {
  const auto group = [=](const float* from) {
    return _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))),
                        reinterpret_cast<const __m64*>(from + step));
  };
  __m512 v = _mm512_castps128_ps512(group(x[0]));
  v = _mm512_insertf32x4(v, group(x[1]), 1);
  v = _mm512_insertf32x4(v, group(x[2]), 2);
  return _mm512_insertf32x4(v, group(x[3]), 3);
}

// y[l] = lane group l.
void store_groups(float* const* y, V x) noexcept {
  _mm_storeu_ps(y[0], _mm512_castps512_ps128(x));
  _mm_storeu_ps(y[1], _mm512_extractf32x4_ps(x, 1));
  _mm_storeu_ps(y[2], _mm512_extractf32x4_ps(x, 2));
  _mm_storeu_ps(y[3], _mm512_extractf32x4_ps(x, 3));
}

// The lower half of lane group l to y[l], the upper to y[l] + step.
void store_group_halves(float* const* y, std::int64_t step, V x) noexcept {
  const __m128 groups[4] = {_mm512_castps512_ps128(x), _mm512_extractf32x4_ps(x, 1), _mm512_extractf32x4_ps(x, 2),
                            _mm512_extractf32x4_ps(x, 3)};
  for (std::int64_t l = 0; l < 4; ++l) {
    _mm_storel_pi(reinterpret_cast<__m64*>(y[l]), groups[l]);
    _mm_storeh_pi(reinterpret_cast<__m64*>(y[l] + step), groups[l]);
  }
}

// Within every lane group: out[i] lane j = in[j] lane i.
void transpose_groups(V& a, V& b, V& c, V& d) noexcept {
  const __m512d ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b)),
                ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
  const __m512d cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d)),
                cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
  a = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low));
  b = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low));
  c = _mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high));
  d = _mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high));
}

// a and b, one after the other, by the parity of the position.
void split_pairs(V a, V b, V& even, V& odd) noexcept {
  const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  even = _mm512_permutex2var_ps(a, evens, b);
  odd = _mm512_permutex2var_ps(a, _mm512_add_epi32(evens, _mm512_set1_epi32(1)), b);
}

// What split_pairs took apart.
void join_pairs(V even, V odd, V& a, V& b) noexcept {
  const __m512i lower = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  a = _mm512_permutex2var_ps(even, lower, odd);
  b = _mm512_permutex2var_ps(even, _mm512_add_epi32(lower, _mm512_set1_epi32(8)), odd);
}

#include "avx512_divisor.ipp"

// Needs all of the above.
#include "simd.ipp"

}  // namespace

void detail::fill_avx512(KernelTable& table) { fill(table); }
std::int64_t detail::multiply_adds_avx512(std::int64_t rounds, Scalar* sums) noexcept {
  return multiply_adds(rounds, sums);
}

}  // namespace tempera::core
