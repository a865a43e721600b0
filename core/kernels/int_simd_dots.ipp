// Dot products of a vector level, for which the file that includes this defines, for int32 vectors I of kLanes lanes: load,
// store, broadcast, widen (2·kLanes int8 to int16), dot_pair(sum, int16, int16); kTileRows ≤ 8.

constexpr std::int64_t kColumns = 2 * kLanes;

std::int32_t four_bytes(const char* x) noexcept {
  std::int32_t value = 0;
  __builtin_memcpy(&value, x, sizeof value);
  return value;
}

// How a step reads a vector of its panel, and what it does with it.
struct Pairs {
  static constexpr std::int64_t kBytes = 4;  // a step's, for each column
  static I weights(const char* x) noexcept { return load(x); }
  static I dot(I sum, I a, I b) noexcept { return dot_pair(sum, a, b); }
};
struct BytePairs {
  static constexpr std::int64_t kBytes = 2;
  static I weights(const char* x) noexcept { return widen(x); }
  static I dot(I sum, I a, I b) noexcept { return dot_pair(sum, a, b); }
};

// A step of M rows: their four bytes at `offset`, times a line of the panel. Every loop over rows or vectors is unrolled, or
// else sums would pass through memory.
template <class Kind, int M, int V>
[[gnu::always_inline]] inline void dot_step(I (&sums)[M][V], const char* const (&rows)[M], std::int64_t offset,
                                            const char* panel) noexcept {
  I weights[V];
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) weights[v] = Kind::weights(panel + v * kLanes * Kind::kBytes);
#pragma GCC unroll 8
  for (int i = 0; i < M; ++i) {
    const I x = broadcast(four_bytes(rows[i] + offset));
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sums[i][v] = Kind::dot(sums[i][v], x, weights[v]);
  }
}

// The rows from `first` on.
template <class Kind, int M, int V>
void dot_tile(const DotTile& t, std::int64_t first) noexcept {
  I sums[M][V];
  const char* rows[M];
#pragma GCC unroll 8
  for (int i = 0; i < M; ++i) {
    rows[i] = static_cast<const char*>(t.a[first + i]);
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sums[i][v] = load(t.bias + (first + i) * t.bias_row + v * kLanes);
  }
  const char* panel = static_cast<const char*>(t.panel);
  constexpr std::int64_t kLine = kColumns * Kind::kBytes;
  if (t.lists != nullptr) {
    const StepList& list = t.lists[first / kTileRows];
    for (std::int64_t q = 0; q < list.count; ++q) {
      const std::int64_t p = list.steps[q];
      __builtin_prefetch(panel + (t.steps + p) * kLine);
      dot_step<Kind, M, V>(sums, rows, 4 * p, panel + p * kLine);
    }
  } else {
    for (std::int64_t s = 0; s < t.segments; ++s) {
      for (std::int64_t p = 0; p < t.steps; ++p, panel += kLine) {
        __builtin_prefetch(panel + t.steps * kLine);  // of the next panel, or the next segment
        dot_step<Kind, M, V>(sums, rows, 4 * p, panel);
      }
#pragma GCC unroll 8
      for (int i = 0; i < M; ++i) rows[i] += t.a_segment;
    }
  }
  const std::int64_t c_row = t.c_row == 0 ? kColumns : t.c_row;
#pragma GCC unroll 8
  for (int i = 0; i < M; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(t.c + (first + i) * c_row + v * kLanes, sums[i][v]);
  }
}

// What is left of the rows, at most M of them.
template <class Kind, int M, int V>
void dot_rest(const DotTile& t, std::int64_t first) noexcept {
  if constexpr (M > 0) {
    if (t.m - first < M) return dot_rest<Kind, M - 1, V>(t, first);
    dot_tile<Kind, M, V>(t, first);
  }
}

template <class Kind, int V>
void dot_rows(const DotTile& t) noexcept {
  std::int64_t i = 0;
  for (; i + kTileRows <= t.m; i += kTileRows) dot_tile<Kind, kTileRows, V>(t, i);
  dot_rest<Kind, kTileRows - 1, V>(t, i);
}

template <class Kind>
void dot(const DotTile& t) noexcept {
  t.n > kLanes ? dot_rows<Kind, 2>(t) : dot_rows<Kind, 1>(t);
}

template <int Panels>
void sparse_panels(const SparseRow& row, std::int64_t first) noexcept {
  I sums[2 * Panels];
  const char* panels[Panels];
  for (int i = 0; i < Panels; ++i) panels[i] = reinterpret_cast<const char*>(row.panel + (first + i) * row.panel_bytes);
  for (int i = 0; i < 2 * Panels; ++i) sums[i] = load(row.bias + first * kColumns + i * kLanes);
  for (std::int64_t p = 0; p < row.count; ++p) {
    const I x = broadcast(row.values[p]);
    const std::int64_t at = row.steps[p] * (kColumns * 2);
    for (int i = 0; i < Panels; ++i) {
      sums[2 * i] = dot_pair(sums[2 * i], x, widen(panels[i] + at));
      sums[2 * i + 1] = dot_pair(sums[2 * i + 1], x, widen(panels[i] + at + 2 * kLanes));
    }
  }
  for (int i = 0; i < 2 * Panels; ++i) store(row.c + first * kColumns + i * kLanes, sums[i]);
}

void dot_sparse(const SparseRow& row) noexcept {
  std::int64_t i = 0;
  for (; i + 4 <= row.panels; i += 4) sparse_panels<4>(row, i);
  for (; i < row.panels; ++i) sparse_panels<1>(row, i);
}

void fill_dots(IntKernelTable& table) noexcept {
  table.rows = kTileRows;
  table.columns = kColumns;
  table.dot_pairs = dot<Pairs>;
  table.dot_pairs_s8 = dot<BytePairs>;
  table.dot_sparse = dot_sparse;
}
