// Products of operands that are both contiguous along k: R rows of A by four columns of B at a time, summed by the lane
// and folded at the end. Every sum is made in the same order wherever in C it stands.

// The sums of the lanes of four vectors.
__m128 fold4(const V* x) noexcept {
  __m128 a = fold(x[0]), b = fold(x[1]), c = fold(x[2]), d = fold(x[3]);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  return _mm_add_ps(_mm_add_ps(a, b), _mm_add_ps(c, d));
}

// Fewer than four columns repeat the last one; its surplus sums are not stored.
template <std::int64_t R>
void dot_block(const GemmTile& t, std::int64_t i, std::int64_t j) noexcept {
  const std::int64_t columns = t.n - j < 4 ? t.n - j : 4;
  const float* a = t.a + i * t.a_row;
  const float* b = t.b + j * t.b_row;
  const std::int64_t b1 = columns > 1 ? t.b_row : 0, b2 = columns > 2 ? 2 * t.b_row : b1,
                     b3 = columns > 3 ? 3 * t.b_row : b2;
  V sums[R][4];
#pragma GCC unroll 8
  for (std::int64_t r = 0; r < R; ++r) sums[r][0] = sums[r][1] = sums[r][2] = sums[r][3] = V(0.0F);
  const auto step = [&](auto read, std::int64_t p) {
    const V x0 = read(b + p), x1 = read(b + b1 + p), x2 = read(b + b2 + p), x3 = read(b + b3 + p);
#pragma GCC unroll 8
    for (std::int64_t r = 0; r < R; ++r) {
      const V y = read(a + r * t.a_row + p);
      sums[r][0] = fma(x0, y, sums[r][0]);
      sums[r][1] = fma(x1, y, sums[r][1]);
      sums[r][2] = fma(x2, y, sums[r][2]);
      sums[r][3] = fma(x3, y, sums[r][3]);
    }
  };
  std::int64_t p = 0;
  for (; p + kLanes <= t.k; p += kLanes) step([](const float* x) { return V::load_unaligned(x); }, p);
  if (p < t.k) {
    const Part rest = part_of(t.k - p);
    step([rest](const float* x) { return load(x, rest); }, p);
  }
  for (std::int64_t r = 0; r < R; ++r) {
    float folded[4];
    _mm_storeu_ps(folded, fold4(sums[r]));
    for (std::int64_t c = 0; c < columns; ++c) {
      float* out = t.c + (i + r) * t.c_row + j + c;
      if (t.accumulate) folded[c] += *out;
      if (t.column_bias != nullptr) folded[c] += t.column_bias[j + c];
      if (t.row_bias != nullptr) folded[c] += t.row_bias[i + r];
      *out = t.relu && folded[c] < 0 ? 0.0F : folded[c];
    }
  }
}

template <std::int64_t R>
void dot_rows(const GemmTile& t, std::int64_t i, std::int64_t j) noexcept {
  if constexpr (R > 1) {
    if (t.m - i < R) return dot_rows<R - 1>(t, i, j);
  }
  dot_block<R>(t, i, j);
}

void dot(const GemmTile& t) noexcept {
  for (std::int64_t i = 0; i < t.m; i += kDotRows) {
    for (std::int64_t j = 0; j < t.n; j += 4) dot_rows<kDotRows>(t, i, j);
  }
}
