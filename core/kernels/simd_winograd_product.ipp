// Products by point are small and many: rows are gone through here, by a tile without edges and without what follows in a
// layer, so that little is left beside the multiply-adds.
template <std::int64_t R, std::int64_t W, bool kUnitRow>
void multiply_rows(const GemmTile& t) noexcept {
  V sums[R][W];
#pragma GCC unroll 16
  for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) sums[r][w] = V(0.0F);
  }
  Rows<R, kUnitRow> rows(t);
  const float* b = t.b;
  for (std::int64_t p = 0; p < t.k; ++p, b += t.b_row, rows.next()) {
    V columns[W];
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) columns[w] = V::load_unaligned(b + w * kLanes);
#pragma GCC unroll 16
    for (std::int64_t r = 0; r < R; ++r) {
      const V a = rows[r];
#pragma GCC unroll 4
      for (std::int64_t w = 0; w < W; ++w) sums[r][w] = fma(a, columns[w], sums[r][w]);
    }
  }
#pragma GCC unroll 16
  for (std::int64_t r = 0; r < R; ++r) {
    float* c = t.c + r * t.c_row;
    if (t.accumulate) {
#pragma GCC unroll 4
      for (std::int64_t w = 0; w < W; ++w) sums[r][w] += V::load_unaligned(c + w * kLanes);
    }
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) sums[r][w].store_unaligned(c + w * kLanes);
  }
}

template <std::int64_t R, std::int64_t W, bool kUnitRow>
void multiply_last_rows(const GemmTile& t) noexcept {
  if constexpr (R > 1) {
    if (t.m < R) return multiply_last_rows<R - 1, W, kUnitRow>(t);
  }
  multiply_rows<R, W, kUnitRow>(t);
}

template <std::int64_t W, bool kUnitRow>
void multiply_all_rows(GemmTile t) noexcept {
  for (; t.m >= kTileRows; t.m -= kTileRows) {
    multiply_rows<kTileRows, W, kUnitRow>(t);
    t.a += kTileRows * t.a_row;
    t.c += kTileRows * t.c_row;
  }
  if (t.m > 0) multiply_last_rows<kTileRows, W, kUnitRow>(t);
}

void winograd_multiply(const GemmTile& t) noexcept {
  if (t.n <= kLanes) return t.a_row == 1 ? multiply_all_rows<1, true>(t) : multiply_all_rows<1, false>(t);
  t.a_row == 1 ? multiply_all_rows<2, true>(t) : multiply_all_rows<2, false>(t);
}
