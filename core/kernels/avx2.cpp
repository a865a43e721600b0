// AVX2 with fused multiply-add: eight floats a vector.
#include <immintrin.h>

#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core {
namespace {

using V = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;  // plain avx2 would not fuse
constexpr std::int64_t kLanes = 8;
constexpr std::int64_t kTileRows = 6;
constexpr std::int64_t kTileVectors = 2;
constexpr std::int64_t kTileDepth = 320;  // 16 columns and 6 rows: 27 of the 32 KiB of the first cache
constexpr std::int64_t kDotRows = 2;
constexpr bool kMaskIsFree = false;
constexpr bool kFuses = true;  // fma rounds once

// The first lanes of a vector.
struct Part {
  __m256i mask;
  std::int64_t count;
};

Part part_of(std::int64_t n) noexcept {
  return {
      _mm256_cmpgt_epi32(_mm256_set1_epi32(n < 8 ? static_cast<int>(n) : 8), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
      n};
}

V load(const float* x, Part part) noexcept { return _mm256_maskload_ps(x, part.mask); }

// In up to three pieces, as a masked store is microcode on AMD's processors before Zen 4: tens of cycles, and a read
// of what it wrote waits for it.
void store(float* y, Part part, V value) noexcept {
  if (part.count >= 8) return _mm256_storeu_ps(y, value);
  __m128 four = _mm256_castps256_ps128(value);
  if ((part.count & 4) != 0) {
    _mm_storeu_ps(y, four);
    four = _mm256_extractf128_ps(value, 1);
    y += 4;
  }
  if ((part.count & 2) != 0) {
    _mm_storel_pi(reinterpret_cast<__m64*>(y), four);
    four = _mm_movehl_ps(four, four);
    y += 2;
  }
  if ((part.count & 1) != 0) _mm_store_ss(y, four);
}

// The lanes [begin, end), none if end ≤ begin.
struct Span {
  __m256i mask;
};

Span span_of(std::int64_t begin, std::int64_t end) noexcept {
  const __m256i below = part_of(end < 0 ? 0 : end).mask;
  return {_mm256_andnot_si256(part_of(begin).mask, below)};
}

V load(const float* x, Span span) noexcept { return _mm256_maskload_ps(x, span.mask); }

V fma(V a, V b, V c) noexcept { return _mm256_fmadd_ps(a, b, c); }
V fnma(V a, V b, V c) noexcept { return _mm256_fnmadd_ps(a, b, c); }

// |a| or b, whichever is larger; b where a is NaN.
V larger_magnitude(V a, V b) noexcept { return _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a), b); }

// Where either is NaN.
V::batch_bool_type unordered(V a, V b) noexcept { return _mm256_cmp_ps(a, b, _CMP_UNORD_Q); }

V load_bytes(const std::uint8_t* x) noexcept {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))));
}

V load_signed_bytes(const std::int8_t* x) noexcept {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))));
}

// Whole numbers of a byte.
void store_as_bytes(const V (&x)[4], std::int8_t* y) noexcept {
  const __m256i low = _mm256_packs_epi32(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]));
  const __m256i high = _mm256_packs_epi32(_mm256_cvtps_epi32(x[2]), _mm256_cvtps_epi32(x[3]));
  // Packing goes by halves: groups of four lie as 0 2 4 6 1 3 5 7.
  const __m256i bytes =
      _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), bytes);
}

// quad[i] = rows[l][p + i] in lane l. Inserted: gathers are slow where this level is the highest.
void load_quads(const std::int8_t* const* rows, std::int64_t p, V (&quad)[4]) noexcept {
  const auto word = [&](int l) { return _mm_cvtsi128_si32(_mm_loadu_si32(rows[l] + p)); };
  const auto four = [&](int l) { return _mm_setr_epi32(word(l), word(l + 1), word(l + 2), word(l + 3)); };
  const __m256i words = _mm256_inserti128_si256(_mm256_castsi128_si256(four(0)), four(4), 1);
  quad[0] = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(words, 24), 24));
  quad[1] = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(words, 16), 24));
  quad[2] = _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(words, 8), 24));
  quad[3] = _mm256_cvtepi32_ps(_mm256_srai_epi32(words, 24));
}

// Sums of lanes that are congruent modulo 4.
__m128 fold(V x) noexcept { return _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)); }

// Lane group l (of four floats) from x[l].
V load_groups(const float* const* x) noexcept {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x[0])), _mm_loadu_ps(x[1]), 1);
}

// The lower half of lane group l from x[l], the upper from x[l] + step.
V load_group_halves(const float* const* x, std::int64_t step) noexcept {
  const auto group = [=](const float* from) {
    return _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))),
                        reinterpret_cast<const __m64*>(from + step));
  };
  return _mm256_insertf128_ps(_mm256_castps128_ps256(group(x[0])), group(x[1]), 1);
}

// y[l] = lane group l.
void store_groups(float* const* y, V x) noexcept {
  _mm_storeu_ps(y[0], _mm256_castps256_ps128(x));
  _mm_storeu_ps(y[1], _mm256_extractf128_ps(x, 1));
}

// The lower half of lane group l to y[l], the upper to y[l] + step.
void store_group_halves(float* const* y, std::int64_t step, V x) noexcept {
  const __m128 groups[2] = {_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1)};
  for (std::int64_t l = 0; l < 2; ++l) {
    _mm_storel_pi(reinterpret_cast<__m64*>(y[l]), groups[l]);
    _mm_storeh_pi(reinterpret_cast<__m64*>(y[l] + step), groups[l]);
  }
}

// Within every lane group: out[i] lane j = in[j] lane i.
void transpose_groups(V& a, V& b, V& c, V& d) noexcept {
  const __m256d ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b)),
                ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
  const __m256d cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d)),
                cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
  a = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low));
  b = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low));
  c = _mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high));
  d = _mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high));
}

// a and b, one after the other, by the parity of the position.
void split_pairs(V a, V b, V& even, V& odd) noexcept {
  const __m256d evens = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88));
  const __m256d odds = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xDD));
  even = _mm256_castpd_ps(_mm256_permute4x64_pd(evens, 0xD8));
  odd = _mm256_castpd_ps(_mm256_permute4x64_pd(odds, 0xD8));
}

// What split_pairs took apart.
void join_pairs(V even, V odd, V& a, V& b) noexcept {
  const __m256 low = _mm256_unpacklo_ps(even, odd), high = _mm256_unpackhi_ps(even, odd);
  a = _mm256_permute2f128_ps(low, high, 0x20);
  b = _mm256_permute2f128_ps(low, high, 0x31);
}

#include "simd_power.ipp"

#include "simd_divisor.ipp"

// Needs all of the above.
#include "simd.ipp"

}  // namespace

void detail::fill_avx2(KernelTable& table) { fill(table); }
std::int64_t detail::multiply_adds_avx2(std::int64_t rounds, Scalar* sums) noexcept {
  return multiply_adds(rounds, sums);
}

}  // namespace tempera::core
