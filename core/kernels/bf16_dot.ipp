// A strip of a product by the dot instruction of AVX512-BF16: fourteen rows by two vectors of sums in registers, a word of
// A broadcast. The file that includes this defines `Pairs`: Sum (16 floats), Vector (16 words), zero, load, broadcast, dot
// and store; tests define them in plain loops.
//
// A sum adds the products of k in order, word by word, and within a word as the instruction does: the second first.

constexpr int kStripRows = 14;

// The rows are reached in threes from one pointer each, which x86's address modes give for nothing.
template <int R>
struct RowWords {
  const std::uint32_t* base[(R + 2) / 3];
  std::int64_t stride;

  RowWords(const std::uint32_t* a, std::int64_t words) noexcept : stride(words) {
#pragma GCC unroll 8
    for (int g = 0; g < (R + 2) / 3; ++g) base[g] = a + 3 * words * g;
  }
  [[nodiscard]] const std::uint32_t* row(int r) const noexcept { return base[r / 3] + r % 3 * stride; }
  void next() noexcept {
#pragma GCC unroll 8
    for (int g = 0; g < (R + 2) / 3; ++g) ++base[g];
  }
};

template <int R>
void strip_rows(const Bf16Strip& s, std::int64_t first) noexcept {
  typename Pairs::Sum low[R], high[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) low[r] = high[r] = Pairs::zero();
  RowWords<R> rows(s.a + first * s.words, s.words);
  const std::uint32_t* panel = s.panel;
  for (std::int64_t q = 0; q < s.words; ++q, panel += kBf16Columns, rows.next()) {
    const typename Pairs::Vector left = Pairs::load(panel), right = Pairs::load(panel + kBf16Columns / 2);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const typename Pairs::Vector a = Pairs::broadcast(rows.row(r));
      low[r] = Pairs::dot(low[r], a, left);
      high[r] = Pairs::dot(high[r], a, right);
    }
  }
  alignas(64) float sums[R * kBf16Columns];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    Pairs::store(sums + r * kBf16Columns, low[r]);
    Pairs::store(sums + r * kBf16Columns + kBf16Columns / 2, high[r]);
  }
  finish(s, first, R, sums);
}

// The instance for what is left below kStripRows.
template <int R>
void last_rows(const Bf16Strip& s, std::int64_t first) noexcept {
  if constexpr (R > 1) {
    if (s.m - first < R) return last_rows<R - 1>(s, first);
  }
  strip_rows<R>(s, first);
}

void strip(const Bf16Strip& s) noexcept {
  std::int64_t i = 0;
  for (; i + kStripRows <= s.m; i += kStripRows) strip_rows<kStripRows>(s, i);
  if (i < s.m) last_rows<kStripRows - 1>(s, i);
}
