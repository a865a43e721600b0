// Integer kernels in AVX2: eight int32 a vector. Products are taken of int16 (vpmaddwd), which is exact: the instruction
// for bytes (vpmaddubsw) saturates and has no higher rate of products once its sums are widened.
#include <immintrin.h>

#include <cstdint>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

using I = __m256i;
constexpr std::int64_t kLanes = 8;
constexpr int kTileRows = 6;

I load(const void* x) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(x)); }
void store(void* y, I x) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(y), x); }
I broadcast(std::int32_t x) noexcept { return _mm256_set1_epi32(x); }
I widen(const char* x) noexcept { return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))); }
I dot_pair(I sum, I a, I b) noexcept { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }
I abs32(I x) noexcept { return _mm256_abs_epi32(x); }
I minimum(I a, I b) noexcept { return _mm256_min_epi32(a, b); }
I maximum(I a, I b) noexcept { return _mm256_max_epi32(a, b); }
I add32(I a, I b) noexcept { return _mm256_add_epi32(a, b); }
I add64(I a, I b) noexcept { return _mm256_add_epi64(a, b); }
I odd(I x) noexcept { return _mm256_srli_epi64(x, 32); }
I multiply_even(I a, I b) noexcept { return _mm256_mul_epu32(a, b); }
I shift_right64(I x, I counts) noexcept { return _mm256_srlv_epi64(x, counts); }
I merge(I even, I odd_lanes) noexcept { return _mm256_blend_epi32(even, _mm256_slli_epi64(odd_lanes, 32), 0xAA); }
I with_sign(I magnitude, I sign) noexcept { return _mm256_sign_epi32(magnitude, sign); }
void store_cells(std::int16_t* y, I x) noexcept {
  const __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(y), packed);
}
struct Divisor {
  __m256 scale;
  explicit Divisor(float s) noexcept : scale(_mm256_set1_ps(s)) {}
  [[nodiscard]] __m256 operator()(__m256 x) const noexcept { return _mm256_div_ps(x, scale); }
};
I quantize_lanes(const float* x, const Divisor& divided, float low, float high, std::int32_t offset) noexcept {
  const __m256 ratio = divided(_mm256_loadu_ps(x));
  const __m256 number = _mm256_and_ps(ratio, _mm256_cmp_ps(ratio, ratio, _CMP_ORD_Q));
  const __m256 clamped = _mm256_min_ps(_mm256_max_ps(number, _mm256_set1_ps(low)), _mm256_set1_ps(high));
  return _mm256_add_epi32(_mm256_cvtps_epi32(clamped), _mm256_set1_epi32(offset));
}

#include "int_simd.ipp"

}  // namespace

void detail::fill_int_avx2(IntKernelTable& table) noexcept { fill(table); }

}  // namespace tempera::core
