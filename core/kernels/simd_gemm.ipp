// The tile of a matrix product: R rows by W vectors of sums in registers, A broadcast, B by the vector.

constexpr std::int64_t kLine = 64 / sizeof(float);

// fn(r, w) for each vector of a tile.
template <std::int64_t R, std::int64_t W, class Fn>
[[gnu::always_inline]] inline void for_vectors(const Fn& fn) noexcept {
#pragma GCC unroll 16
  for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) fn(r, w);
  }
}

// Adds to a tile's sums what is asked for and stores them: vector (r, w) belongs at at(r, w), and the last of a row may be
// a part. Each question is asked once, not for each vector, and whole vectors go past the masks: with few steps of k this is
// as much work as the sums.
template <std::int64_t R, std::int64_t W, bool kMasked, class At>
[[gnu::always_inline]] inline void finish(const GemmTile& t, V (&sums)[R][W], Part last, const At& at) noexcept {
  const auto read = [&](const float* x, std::int64_t w) __attribute__((always_inline)) {
    return kMasked && w == W - 1 ? load(x, last) : V::load_unaligned(x);
  };
  if (t.accumulate) {
    for_vectors<R, W>([&](std::int64_t r, std::int64_t w) { sums[r][w] += read(at(r, w), w); });
  }
  if (t.column_bias != nullptr) {
    for_vectors<R, W>([&](std::int64_t r, std::int64_t w) { sums[r][w] += read(t.column_bias + w * kLanes, w); });
  }
  if (t.row_bias != nullptr) {
    for_vectors<R, W>([&](std::int64_t r, std::int64_t w) { sums[r][w] += V(t.row_bias[r]); });
  }
  if (t.relu) {  // the second operand is what comes out for NaN
    for_vectors<R, W>([&](std::int64_t r, std::int64_t w) { sums[r][w] = xsimd::max(V(0.0F), sums[r][w]); });
  }
  for_vectors<R, W>([&](std::int64_t r, std::int64_t w) {
    if (kMasked && w == W - 1) {
      store(at(r, w), last, sums[r][w]);
    } else {
      sums[r][w].store_unaligned(at(r, w));
    }
  });
}

// Addresses of A's elements (r, p) for the current p. Rows are reached in threes from one pointer, which x86's address
// modes give for nothing; fourteen pointers would not fit into the registers. One of A's two strides is 1: neighbours
// along it are reached by a constant, which costs no instruction once the loop over p is unrolled.
template <std::int64_t R, bool kUnitRow>
class Rows {
 public:
  explicit Rows(const GemmTile& t) noexcept : row_(t.a_row), column_(kUnitRow ? t.a_column : 1) {
#pragma GCC unroll 16
    for (std::int64_t g = 0; g < kBases; ++g) base_[g] = t.a + 3 * g * row_;
  }
  [[nodiscard]] V operator[](std::int64_t r) const noexcept {
    return kUnitRow ? V(base_[0][r]) : V(base_[r / 3][r % 3 * row_]);
  }
  void next() noexcept {
#pragma GCC unroll 16
    for (std::int64_t g = 0; g < kBases; ++g) base_[g] += kUnitRow ? column_ : 1;
  }

 private:
  static constexpr std::int64_t kBases = kUnitRow ? 1 : (R + 2) / 3;
  const float* base_[kBases];
  std::int64_t row_, column_;
};

template <std::int64_t R, std::int64_t W, bool kUnitRow, bool kMasked>
void tile_of(const GemmTile& t) noexcept {
  V sums[R][W];
#pragma GCC unroll 16
  for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) sums[r][w] = V(0.0F);
  }
  const Part last = part_of(kMasked ? t.n - (W - 1) * kLanes : kLanes);
  Rows<R, kUnitRow> rows(t);
  const float* b = t.b;
  const auto step = [&]() __attribute__((always_inline)) {
    V columns[W];
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) {
      columns[w] = kMasked && w == W - 1 ? load(b + w * kLanes, last) : V::load_unaligned(b + w * kLanes);
    }
#pragma GCC unroll 16
    for (std::int64_t r = 0; r < R; ++r) {
      const V a = rows[r];
#pragma GCC unroll 4
      for (std::int64_t w = 0; w < W; ++w) sums[r][w] = fma(a, columns[w], sums[r][w]);
    }
    b += t.b_row;
    rows.next();
  };
  // A loop of its own: where nothing is asked for, the one below it has no question left in it.
  std::int64_t p = 0;
  const float* line = t.ahead.x;
  for (std::int64_t row = 0; p < t.k && p < t.ahead.lines; ++p) {
    __builtin_prefetch(line, 0, 2);
    line += kLine;
    if (++row == t.ahead.across) {
      line += t.ahead.stride - row * kLine;
      row = 0;
    }
    step();
  }
#pragma GCC unroll 4
  for (; p < t.k; ++p) step();
  finish<R, W, kMasked>(t, sums, last, [&](std::int64_t r, std::int64_t w) { return t.c + r * t.c_row + w * kLanes; });
}

using TileFn = void (*)(const GemmTile&) noexcept;

// The instance for R rows, found by going down from the largest.
template <std::int64_t R, std::int64_t W, bool kUnitRow, bool kMasked>
TileFn tile_with_rows(std::int64_t rows) noexcept {
  if constexpr (R > 1) {
    if (rows < R) return tile_with_rows<R - 1, W, kUnitRow, kMasked>(rows);
  }
  return tile_of<R, W, kUnitRow, kMasked>;
}

template <std::int64_t W, bool kUnitRow>
TileFn tile_with_vectors(const GemmTile& t) noexcept {
  if constexpr (W > 1) {
    if (t.n <= (W - 1) * kLanes) return tile_with_vectors<W - 1, kUnitRow>(t);
  }
  if (kMaskIsFree || t.n < W * kLanes) return tile_with_rows<kTileRows, W, kUnitRow, true>(t.m);
  return tile_with_rows<kTileRows, W, kUnitRow, kMaskIsFree>(t.m);
}

void tile(const GemmTile& t) noexcept {
  (t.a_row == 1 ? tile_with_vectors<kTileVectors, true>(t) : tile_with_vectors<kTileVectors, false>(t))(t);
}
