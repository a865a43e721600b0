// SSE4.2: four floats a vector, no fused multiply-add, no masked access.
#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <xsimd/xsimd.hpp>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core {
namespace {

using V = xsimd::batch<float, xsimd::sse4_2>;
constexpr std::int64_t kLanes = 4;
constexpr std::int64_t kTileRows = 4;
constexpr std::int64_t kTileVectors = 2;
constexpr std::int64_t kTileDepth = 512;  // of 8 columns: 16 KiB of the first cache
constexpr std::int64_t kDotRows = 2;
constexpr bool kMaskIsFree = false;
constexpr bool kFuses = false;  // fma rounds once

// The first lanes of a vector.
struct Part {
  std::int64_t count;
};

Part part_of(std::int64_t n) noexcept { return {n}; }

V load(const float* x, Part part) noexcept {
  const auto two = [x] { return _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))); };
  switch (part.count) {
    case 0:
      return V(0.0F);
    case 1:
      return _mm_load_ss(x);
    case 2:
      return two();
    case 3:
      return _mm_movelh_ps(two(), _mm_load_ss(x + 2));
    default:
      return _mm_loadu_ps(x);
  }
}

void store(float* y, Part part, V value) noexcept {
  if (part.count >= 4) return _mm_storeu_ps(y, value);
  float lanes[4];
  _mm_storeu_ps(lanes, value);
  for (std::int64_t i = 0; i < part.count; ++i) y[i] = lanes[i];
}

// The lanes [begin, end), none if end ≤ begin.
struct Span {
  std::int64_t begin, end;
};

Span span_of(std::int64_t begin, std::int64_t end) noexcept { return {begin, end}; }

V load(const float* x, Span span) noexcept {
  if (span.begin == 0 && span.end == 4) return _mm_loadu_ps(x);
  float lanes[4] = {};
  for (std::int64_t i = span.begin; i < span.end; ++i) lanes[i] = x[i];
  return _mm_loadu_ps(lanes);
}

// a·b + c, in two roundings.
V fma(V a, V b, V c) noexcept { return a * b + c; }
V fnma(V a, V b, V c) noexcept { return c - a * b; }

// |a| or b, whichever is larger; b where a is NaN.
V larger_magnitude(V a, V b) noexcept { return _mm_max_ps(_mm_andnot_ps(_mm_set1_ps(-0.0F), a), b); }

// Where either is NaN.
V::batch_bool_type unordered(V a, V b) noexcept { return _mm_cmpunord_ps(a, b); }

V load_bytes(const std::uint8_t* x) noexcept {
  std::int32_t four = 0;
  std::memcpy(&four, x, sizeof four);
  return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
}

V load_signed_bytes(const std::int8_t* x) noexcept {
  std::int32_t four = 0;
  std::memcpy(&four, x, sizeof four);
  return _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(four)));
}

// Whole numbers of a byte.
void store_as_bytes(const V (&x)[4], std::int8_t* y) noexcept {
  const __m128i low = _mm_packs_epi32(_mm_cvtps_epi32(x[0]), _mm_cvtps_epi32(x[1]));
  const __m128i high = _mm_packs_epi32(_mm_cvtps_epi32(x[2]), _mm_cvtps_epi32(x[3]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm_packs_epi16(low, high));
}

// quad[i] = rows[l][p + i] in lane l.
void load_quads(const std::int8_t* const* rows, std::int64_t p, V (&quad)[4]) noexcept {
  const auto word = [&](int l) {
    std::int32_t four = 0;
    std::memcpy(&four, rows[l] + p, sizeof four);
    return four;
  };
  const __m128i words = _mm_setr_epi32(word(0), word(1), word(2), word(3));
  quad[0] = _mm_cvtepi32_ps(_mm_srai_epi32(_mm_slli_epi32(words, 24), 24));
  quad[1] = _mm_cvtepi32_ps(_mm_srai_epi32(_mm_slli_epi32(words, 16), 24));
  quad[2] = _mm_cvtepi32_ps(_mm_srai_epi32(_mm_slli_epi32(words, 8), 24));
  quad[3] = _mm_cvtepi32_ps(_mm_srai_epi32(words, 24));
}

// Sums of lanes that are congruent modulo 4.
__m128 fold(V x) noexcept { return x; }

// Lane group l (of four floats) from x[l].
V load_groups(const float* const* x) noexcept { return _mm_loadu_ps(x[0]); }

// The lower half of lane group l from x[l], the upper from x[l] + step.
V load_group_halves(const float* const* x, std::int64_t step) noexcept {
  return _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x[0]))),
                      reinterpret_cast<const __m64*>(x[0] + step));
}

// y[l] = lane group l.
void store_groups(float* const* y, V x) noexcept { _mm_storeu_ps(y[0], x); }

// The lower half of lane group l to y[l], the upper to y[l] + step.
void store_group_halves(float* const* y, std::int64_t step, V x) noexcept {
  _mm_storel_pi(reinterpret_cast<__m64*>(y[0]), x);
  _mm_storeh_pi(reinterpret_cast<__m64*>(y[0] + step), x);
}

// Within every lane group: out[i] lane j = in[j] lane i.
void transpose_groups(V& a, V& b, V& c, V& d) noexcept { _MM_TRANSPOSE4_PS(a.data, b.data, c.data, d.data); }

// a and b, one after the other, by the parity of the position.
void split_pairs(V a, V b, V& even, V& odd) noexcept {
  even = _mm_shuffle_ps(a, b, 0x88);
  odd = _mm_shuffle_ps(a, b, 0xDD);
}

// What split_pairs took apart.
void join_pairs(V even, V odd, V& a, V& b) noexcept {
  a = _mm_unpacklo_ps(even, odd);
  b = _mm_unpackhi_ps(even, odd);
}

#include "simd_power.ipp"

#include "simd_divisor.ipp"

// Needs all of the above.
#include "simd.ipp"

}  // namespace

void detail::fill_sse42(KernelTable& table) { fill(table); }
std::int64_t detail::multiply_adds_sse42(std::int64_t rounds, Scalar* sums) noexcept {
  return multiply_adds(rounds, sums);
}

}  // namespace tempera::core
