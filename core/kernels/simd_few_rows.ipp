// Products whose C has a few rows only: what counts is to read B once, in the order in which it lies. C stays in the first
// cache and takes four rows of B at a time; the sum of an element goes along k as in the tile.

template <std::int64_t R, std::int64_t Q>
void add_rows_of_b(const GemmTile& t, std::int64_t i, std::int64_t p) noexcept {
  const float* b = t.b + p * t.b_row;
  float* c = t.c + i * t.c_row;
  V a[R][Q];
#pragma GCC unroll 2
  for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::int64_t q = 0; q < Q; ++q) a[r][q] = V(t.a[(i + r) * t.a_row + (p + q) * t.a_column]);
  }
  const auto step = [&](std::int64_t j, auto read, auto write) {
    V sums[R];
#pragma GCC unroll 2
    for (std::int64_t r = 0; r < R; ++r) sums[r] = read(c + r * t.c_row + j);
#pragma GCC unroll 4
    for (std::int64_t q = 0; q < Q; ++q) {
      const V columns = read(b + q * t.b_row + j);
#pragma GCC unroll 2
      for (std::int64_t r = 0; r < R; ++r) sums[r] = fma(a[r][q], columns, sums[r]);
    }
#pragma GCC unroll 2
    for (std::int64_t r = 0; r < R; ++r) write(c + r * t.c_row + j, sums[r]);
  };
  std::int64_t j = 0;
  for (; j + kLanes <= t.n; j += kLanes) {
    step(
        j, [](const float* x) { return V::load_unaligned(x); }, [](float* y, V v) { v.store_unaligned(y); });
  }
  if (j == t.n) return;
  const Part rest = part_of(t.n - j);
  step(
      j, [rest](const float* x) { return load(x, rest); }, [rest](float* y, V v) { store(y, rest, v); });
}

// Row i of C before the first product, or, with its bias and activation, after the last.
template <class Fn>
void for_parts_of_row(const GemmTile& t, const Fn& fn) noexcept {
  for (std::int64_t j = 0; j < t.n; j += kLanes) fn(j, part_of(t.n - j));
}

template <std::int64_t R>
void few_rows_of(const GemmTile& t, std::int64_t i) noexcept {
  for (std::int64_t r = i; r < i + R && !t.accumulate; ++r) {
    for_parts_of_row(t, [&](std::int64_t j, Part part) { store(t.c + r * t.c_row + j, part, V(0.0F)); });
  }
  std::int64_t p = 0;
  for (; p + 4 <= t.k; p += 4) add_rows_of_b<R, 4>(t, i, p);
  for (; p < t.k; ++p) add_rows_of_b<R, 1>(t, i, p);
  if (t.column_bias == nullptr && t.row_bias == nullptr && !t.relu) return;
  for (std::int64_t r = i; r < i + R; ++r) {
    for_parts_of_row(t, [&](std::int64_t j, Part part) {
      float* c = t.c + r * t.c_row + j;
      V sums[1][1] = {{load(c, part)}};
      finish<1, 1, true>({.column_bias = t.column_bias == nullptr ? nullptr : t.column_bias + j,
                          .row_bias = t.row_bias == nullptr ? nullptr : t.row_bias + r,
                          .relu = t.relu},
                         sums, part, [c](std::int64_t, std::int64_t) { return c; });
    });
  }
}

void few_rows(const GemmTile& t) noexcept {
  std::int64_t i = 0;
  for (; i + 2 <= t.m; i += 2) few_rows_of<2>(t, i);
  if (i < t.m) few_rows_of<1>(t, i);
}
