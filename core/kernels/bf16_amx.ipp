// A strip of a product by tiles of 16 rows of 16 words (AMX-BF16), two by two of them. The file that includes this, and
// amx_tiles.ipp before it, defines `Tiles`: configure(TileShapes), release, load<Tile>, zero<Tile>, dot<C, A, B>,
// store<Tile>; tests define it in plain loops.
//
// A sum adds tile after tile along k; within a tile the instruction adds the first numbers of all words, the second ones,
// and then both to the sum.

constexpr std::int64_t kTileRows = 16, kTileBytes = 64;
constexpr std::int64_t kStripRows = 2 * kTileRows;

// C in 0 to 3 (upper left, upper right, lower left, lower right), A in 4 and 5, B in 6 and 7.
void configure(std::int64_t upper, std::int64_t lower, std::int64_t depth) noexcept {
  TileShapes shapes;
  const auto set = [&shapes](int tile, std::int64_t rows, std::int64_t bytes) {
    shapes.rows[tile] = static_cast<std::uint8_t>(rows);
    shapes.row_bytes[tile] = static_cast<std::uint16_t>(rows > 0 ? bytes : 0);
  };
  for (const int c : {0, 1}) set(c, upper, kTileBytes);
  for (const int c : {2, 3}) set(c, lower, kTileBytes);
  set(4, upper, 4 * depth);
  set(5, lower, 4 * depth);
  for (const int b : {6, 7}) set(b, depth, kTileBytes);
  Tiles::configure(&shapes);
}

// Up to 32 rows by 32 columns of sums. Columns past n are made, too: the panel has zeros there.
template <bool two_rows, bool two_columns>
void tile_sums(const Bf16Strip& s, const std::uint32_t* a, float* sums) noexcept {
  constexpr std::int64_t kColumnBytes = 4 * kBf16Columns;
  Tiles::zero<0>();
  if constexpr (two_columns) Tiles::zero<1>();
  if constexpr (two_rows) Tiles::zero<2>();
  if constexpr (two_rows && two_columns) Tiles::zero<3>();
  const std::uint32_t* panel = s.panel;
  for (std::int64_t q = 0; q < s.words; q += s.depth, a += s.depth, panel += s.depth * kBf16Columns) {
    Tiles::load<4>(a, 4 * s.words);
    Tiles::load<6>(panel, kColumnBytes);
    Tiles::dot<0, 4, 6>();
    if constexpr (two_columns) {
      Tiles::load<7>(panel + kBf16Columns / 2, kColumnBytes);
      Tiles::dot<1, 4, 7>();
    }
    if constexpr (two_rows) {
      Tiles::load<5>(a + kTileRows * s.words, 4 * s.words);
      Tiles::dot<2, 5, 6>();
      if constexpr (two_columns) Tiles::dot<3, 5, 7>();
    }
  }
  Tiles::store<0>(sums, kColumnBytes);
  if constexpr (two_columns) Tiles::store<1>(sums + kBf16Columns / 2, kColumnBytes);
  if constexpr (two_rows) Tiles::store<2>(sums + kTileRows * kBf16Columns, kColumnBytes);
  if constexpr (two_rows && two_columns)
    Tiles::store<3>(sums + kTileRows * kBf16Columns + kBf16Columns / 2, kColumnBytes);
}

template <bool two_columns>
void strip_of(const Bf16Strip& s) noexcept {
  alignas(64) float sums[kStripRows * kBf16Columns];
  std::int64_t i = 0;
  if (s.m >= kStripRows) configure(kTileRows, kTileRows, s.depth);
  for (; i + kStripRows <= s.m; i += kStripRows) {
    tile_sums<true, two_columns>(s, s.a + i * s.words, sums);
    finish(s, i, kStripRows, sums);
  }
  const std::int64_t rest = s.m - i;
  if (rest > kTileRows) {
    configure(kTileRows, rest - kTileRows, s.depth);
    tile_sums<true, two_columns>(s, s.a + i * s.words, sums);
  } else if (rest > 0) {
    configure(rest, 0, s.depth);
    tile_sums<false, two_columns>(s, s.a + i * s.words, sums);
  }
  finish(s, i, rest, sums);
  Tiles::release();
}

void strip(const Bf16Strip& s) noexcept { (s.n > kBf16Columns / 2 ? strip_of<true> : strip_of<false>)(s); }
