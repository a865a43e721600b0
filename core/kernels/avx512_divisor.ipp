// Quotients by one scale as a division rounds them, in five instructions that the pipes do side by side: sixteen divisions
// keep the divider for sixteen cycles. Newton's step twice over: with y the float nearest to 1/s and a quotient within one
// unit in the last place, q + (x − q·s)·y in two fused operations is the correctly rounded x/s (Markstein, IBM Journal of
// Research and Development 34, 1990, theorem 8.1); the first step comes that near. Remainders are exact unless they are
// subnormal, which a quotient of 1/4 or more cannot have with the scales taken here, and a smaller one rounds to 0 in any
// case. From 2^25 on, beyond every grid, the first product is left as it is: infinite, NaN, or clamped.
class Divisor {
 public:
  explicit Divisor(float scale) noexcept
      : scale_(_mm512_set1_ps(scale)),
        inverse_(_mm512_set1_ps(1 / scale)),
        divides_(!(scale > 0x1p-60F && scale < 0x1p60F)) {}

  [[nodiscard]] __m512 operator()(__m512 x) const noexcept {
    if (divides_) return _mm512_div_ps(x, scale_);
    const __m512 product = _mm512_mul_ps(x, inverse_);
    const __m512 quotient = corrected(x, corrected(x, product));
    const __mmask16 large = _mm512_cmp_ps_mask(_mm512_abs_ps(product), _mm512_set1_ps(0x1p25F), _CMP_NLT_UQ);
    return _mm512_mask_mov_ps(quotient, large, product);
  }

 private:
  [[nodiscard]] __m512 corrected(__m512 x, __m512 quotient) const noexcept {
    return _mm512_fmadd_ps(_mm512_fnmadd_ps(quotient, scale_, x), inverse_, quotient);
  }

  __m512 scale_, inverse_;
  bool divides_;
};
