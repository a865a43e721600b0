// Integer kernels in SSE4.2: four int32 a vector.
#include <immintrin.h>

#include <cstdint>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

using I = __m128i;
constexpr std::int64_t kLanes = 4;
constexpr int kTileRows = 4;

I load(const void* x) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(x)); }
void store(void* y, I x) noexcept { _mm_storeu_si128(static_cast<__m128i*>(y), x); }
I broadcast(std::int32_t x) noexcept { return _mm_set1_epi32(x); }
I widen(const char* x) noexcept { return _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))); }
I dot_pair(I sum, I a, I b) noexcept { return _mm_add_epi32(sum, _mm_madd_epi16(a, b)); }
I abs32(I x) noexcept { return _mm_abs_epi32(x); }
I minimum(I a, I b) noexcept { return _mm_min_epi32(a, b); }
I maximum(I a, I b) noexcept { return _mm_max_epi32(a, b); }
I add32(I a, I b) noexcept { return _mm_add_epi32(a, b); }
I add64(I a, I b) noexcept { return _mm_add_epi64(a, b); }
I odd(I x) noexcept { return _mm_srli_epi64(x, 32); }
I multiply_even(I a, I b) noexcept { return _mm_mul_epu32(a, b); }
// This level shifts both halves by one count only.
I shift_right64(I x, I counts) noexcept {
  const I low = _mm_srl_epi64(x, counts), high = _mm_srl_epi64(x, _mm_unpackhi_epi64(counts, counts));
  return _mm_blend_epi16(low, high, 0xF0);
}
I merge(I even, I odd_lanes) noexcept { return _mm_blend_epi16(even, _mm_slli_epi64(odd_lanes, 32), 0xCC); }
I with_sign(I magnitude, I sign) noexcept { return _mm_sign_epi32(magnitude, sign); }
void store_cells(std::int16_t* y, I x) noexcept {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(y), _mm_packs_epi32(x, x));
}
struct Divisor {
  __m128 scale;
  explicit Divisor(float s) noexcept : scale(_mm_set1_ps(s)) {}
  [[nodiscard]] __m128 operator()(__m128 x) const noexcept { return _mm_div_ps(x, scale); }
};
I quantize_lanes(const float* x, const Divisor& divided, float low, float high, std::int32_t offset) noexcept {
  const __m128 ratio = divided(_mm_loadu_ps(x));
  const __m128 number = _mm_and_ps(ratio, _mm_cmpord_ps(ratio, ratio));
  const __m128 clamped = _mm_min_ps(_mm_max_ps(number, _mm_set1_ps(low)), _mm_set1_ps(high));
  return _mm_add_epi32(_mm_cvtps_epi32(clamped), _mm_set1_epi32(offset));
}

#include "int_simd.ipp"

}  // namespace

void detail::fill_int_sse42(IntKernelTable& table) noexcept { fill(table); }

}  // namespace tempera::core
