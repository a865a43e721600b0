// The vocabulary of int_simd.ipp in AVX-512 (F, BW), but for dot_pair, which VNNI does in one instruction, and Divisor.
// Tests compile it with an emulation of these intrinsics.

using I = __m512i;
constexpr std::int64_t kLanes = 16;
constexpr int kTileRows = 8;

I load(const void* x) noexcept { return _mm512_loadu_si512(x); }
void store(void* y, I x) noexcept { _mm512_storeu_si512(y, x); }
I broadcast(std::int32_t x) noexcept { return _mm512_set1_epi32(x); }
I widen(const char* x) noexcept {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
}
I abs32(I x) noexcept { return _mm512_abs_epi32(x); }
I minimum(I a, I b) noexcept { return _mm512_min_epi32(a, b); }
I maximum(I a, I b) noexcept { return _mm512_max_epi32(a, b); }
I add32(I a, I b) noexcept { return _mm512_add_epi32(a, b); }
I add64(I a, I b) noexcept { return _mm512_add_epi64(a, b); }
I odd(I x) noexcept { return _mm512_srli_epi64(x, 32); }
I multiply_even(I a, I b) noexcept { return _mm512_mul_epu32(a, b); }
I shift_right64(I x, I counts) noexcept { return _mm512_srlv_epi64(x, counts); }
I merge(I even, I odd_lanes) noexcept { return _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd_lanes, 32)); }
I with_sign(I magnitude, I sign) noexcept {
  const __mmask16 negative = _mm512_cmpgt_epi32_mask(_mm512_setzero_si512(), sign);
  return _mm512_mask_sub_epi32(magnitude, negative, _mm512_setzero_si512(), magnitude);
}
void store_cells(std::int16_t* y, I x) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_cvtepi32_epi16(x));
}
I quantize_lanes(const float* x, const Divisor& divided, float low, float high, std::int32_t offset) noexcept {
  const __m512 ratio = divided(_mm512_loadu_ps(x));
  const __m512 number = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(ratio, ratio, _CMP_ORD_Q), ratio);
  const __m512 clamped = _mm512_min_ps(_mm512_max_ps(number, _mm512_set1_ps(low)), _mm512_set1_ps(high));
  return _mm512_add_epi32(_mm512_cvtps_epi32(clamped), _mm512_set1_epi32(offset));
}
