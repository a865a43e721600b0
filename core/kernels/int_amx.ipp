// uint8 · int8 by tiles of 16 × 64 bytes (AMX-INT8). The file that includes this, and amx_tiles.ipp before it,
// defines `Tiles`: configure(TileShapes), release, load<Tile>, zero<Tile>, dot<C, A, B>, store<Tile>; tests define it in
// plain loops.

constexpr std::int64_t kTileRows = 16;
constexpr std::int64_t kTileColumns = 32;  // two tiles of C, as wide as a panel of avx512
constexpr std::int64_t kWholeSteps = 16;   // of four bytes: a tile's row

// C in 0 and 1; A in 2, B in 3 and 4; what is left of them at the end of a segment in 5, 6 and 7.
TileShapes shapes_of(std::int64_t rows, std::int64_t rest) noexcept {
  TileShapes shapes;
  const auto set = [&shapes](int tile, std::int64_t tile_rows, std::int64_t bytes) {
    shapes.rows[tile] = static_cast<std::uint8_t>(tile_rows);
    shapes.row_bytes[tile] = static_cast<std::uint16_t>(bytes);
  };
  for (const int c : {0, 1}) set(c, rows, 64);
  set(2, rows, 64);
  for (const int b : {3, 4}) set(b, kWholeSteps, 64);
  if (rest == 0) return shapes;
  set(5, rows, 4 * rest);
  for (const int b : {6, 7}) set(b, rest, 64);
  return shapes;
}

// Rows of A lie anywhere: `bytes` of each side by side.
void gather(const void* const* a, std::int64_t rows, std::int64_t offset, std::int64_t bytes, char* to) noexcept {
  for (std::int64_t i = 0; i < rows; ++i) {
    __builtin_memcpy(to + 64 * i, static_cast<const char*>(a[i]) + offset, static_cast<unsigned long>(bytes));
  }
}

// `rows` rows from `first` on, into tiles that are configured for as many.
void dot_tile(const DotTile& t, std::int64_t first, std::int64_t rows) noexcept {
  const std::int64_t rest = t.steps % kWholeSteps;
  Tiles::zero<0>();
  Tiles::zero<1>();
  alignas(64) char a[kTileRows * 64];
  const char* panel = static_cast<const char*>(t.panel);
  constexpr std::int64_t kStepBytes = 4 * kTileColumns;
  for (std::int64_t s = 0; s < t.segments; ++s) {
    for (std::int64_t p = 0; p + kWholeSteps <= t.steps; p += kWholeSteps, panel += kWholeSteps * kStepBytes) {
      gather(t.a + first, rows, s * t.a_segment + 4 * p, 64, a);
      Tiles::load<2>(a, 64);
      Tiles::load<3>(panel, kStepBytes);
      Tiles::dot<0, 2, 3>();
      if (t.n <= kTileColumns / 2) continue;
      Tiles::load<4>(panel + 64, kStepBytes);
      Tiles::dot<1, 2, 4>();
    }
    if (rest == 0) continue;
    gather(t.a + first, rows, s * t.a_segment + 4 * (t.steps - rest), 4 * rest, a);
    Tiles::load<5>(a, 64);
    Tiles::load<6>(panel, kStepBytes);
    Tiles::dot<0, 5, 6>();
    Tiles::load<7>(panel + 64, kStepBytes);
    Tiles::dot<1, 5, 7>();
    panel += rest * kStepBytes;
  }
  alignas(64) std::int32_t sums[kTileRows * kTileColumns];  // bias may be c
  Tiles::store<0>(sums, 4 * kTileColumns);
  Tiles::store<1>(sums + 16, 4 * kTileColumns);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int32_t* bias = t.bias + (first + i) * t.bias_row;
    for (std::int64_t j = 0; j < kTileColumns; ++j) {
      t.c[(first + i) * kTileColumns + j] = static_cast<std::int32_t>(
          static_cast<std::uint32_t>(sums[i * kTileColumns + j]) + static_cast<std::uint32_t>(bias[j]));
    }
  }
}

void dot_quads(const DotTile& t) noexcept {
  for (std::int64_t i = 0, configured = 0; i < t.m; i += kTileRows) {
    const std::int64_t rows = t.m - i < kTileRows ? t.m - i : kTileRows;
    if (rows != configured) {
      const TileShapes shapes = shapes_of(rows, t.steps % kWholeSteps);
      Tiles::configure(&shapes);
      configured = rows;
    }
    dot_tile(t, i, rows);
  }
  Tiles::release();
}
