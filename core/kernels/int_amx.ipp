// uint8 · int8 by tiles of 16 × 64 bytes (AMX-INT8), two by two of them, so that each tile that is loaded is used
// twice. The file that includes this, and amx_tiles.ipp before it, defines `Tiles`: configure(TileShapes), load<Tile>,
// dot<C, A, B>, store<Tile>, release; tests define it in plain loops.

constexpr std::int64_t kTileRows = 16;
constexpr std::int64_t kTileColumns = 32;  // two tiles of C, as wide as a panel of avx512
constexpr std::int64_t kBlockRows = 2 * kTileRows;
constexpr std::int64_t kMostSteps = 16;  // of four bytes: a tile's row
constexpr std::int64_t kTileBytes = 64;

// C in 0 to 3 (upper left, upper right, lower left, lower right), A in 4 and 5, B in 6 and 7.
void configure(std::int64_t upper, std::int64_t lower, std::int64_t depth) noexcept {
  TileShapes shapes;
  const auto set = [&shapes](int tile, std::int64_t rows, std::int64_t bytes) {
    const bool there = rows > 0 && bytes > 0;
    shapes.rows[tile] = static_cast<std::uint8_t>(there ? rows : 0);
    shapes.row_bytes[tile] = static_cast<std::uint16_t>(there ? bytes : 0);
  };
  for (const int c : {0, 1}) set(c, upper, kTileBytes);
  for (const int c : {2, 3}) set(c, lower, kTileBytes);
  set(4, upper, 4 * depth);
  set(5, lower, 4 * depth);
  for (const int b : {6, 7}) set(b, depth, kTileBytes);
  Tiles::configure(&shapes);
}

// Steps of a tile: as many as it holds. Of several segments an equal part of one, if there is such a part, so that no tile
// reaches from one into the next.
std::int64_t depth_of(const DotTile& t) noexcept {
  const std::int64_t all = t.segments * t.steps, parts = (t.steps + kMostSteps - 1) / kMostSteps;
  if (t.segments > 1 && all > 0 && t.steps % parts == 0) return t.steps / parts;
  return all < kMostSteps ? all : kMostSteps;
}

// The rows of A that a block of C needs. The panel's segments lie one after the other, so that steps can be counted
// through them; a tile takes `depth` of all `steps`, and the last tile goes back over the one before it.
class BlockRows {
 public:
  BlockRows(const DotTile& t, std::int64_t first, std::int64_t rows, std::int64_t depth) noexcept
      : t_(t), first_(first), rows_(rows), depth_(depth) {
    distance_ = rows > 1 ? row(1) - row(0) : kTileBytes;
    std::int64_t differences = 0;  // without a branch, as vectors
    for (std::int64_t i = 2; i < rows; ++i) differences |= row(i) - row(i - 1) - distance_;
    in_place_ = differences == 0 && (t.segments == 1 || (depth > 0 && t.steps % depth == 0));
  }

  struct View {
    const char* a;
    std::int64_t distance;
  };
  // Steps from `step` on, of which the first `done` are to be 0: tile after tile from 0 on. Rows in equal distances are read
  // where they lie.
  [[nodiscard]] View tile(std::int64_t step, std::int64_t done) noexcept {
    if (in_place_ && done == 0) {
      if (step == 0) {
        segment_ = row(0);
        within_ = 0;
      } else if (within_ == t_.steps) {
        segment_ += t_.a_segment;
        within_ = 0;
      }
      const View view{segment_ + 4 * within_, distance_};
      within_ += depth_;
      return view;
    }
    for (std::int64_t i = 0; i < rows_; ++i) gather(i, step, done);
    return {copy_, kTileBytes};
  }

 private:
  [[nodiscard]] const char* row(std::int64_t i) const noexcept { return static_cast<const char*>(t_.a[first_ + i]); }

  void gather(std::int64_t i, std::int64_t step, std::int64_t done) noexcept {
    char* to = copy_ + kTileBytes * i;
    for (std::int64_t k = 0; k < 4 * done; ++k) to[k] = 0;
    for (std::int64_t k = done, n = 0; k < depth_; k += n) {
      const std::int64_t segment = (step + k) / t_.steps, within = (step + k) % t_.steps;
      n = depth_ - k < t_.steps - within ? depth_ - k : t_.steps - within;
      __builtin_memcpy(to + 4 * k, row(i) + segment * t_.a_segment + 4 * within, static_cast<unsigned long>(4 * n));
    }
  }

  const DotTile& t_;
  std::int64_t first_, rows_, depth_, distance_;
  bool in_place_;
  const char* segment_ = nullptr;  // of the next tile, and its steps before that
  std::int64_t within_ = 0;
  alignas(64) char copy_[kBlockRows * kTileBytes];
};

// Of a panel, what belongs to the block's first row.
struct Panel {
  const char* weights;
  const std::int32_t* bias;
  std::int32_t* c;
  std::int64_t c_row;
};

template <bool two_rows, bool two_columns>
void dot_block(const DotTile& t, const Panel& part, BlockRows& a, std::int64_t depth) noexcept {
  constexpr std::int64_t kRowBytes = 4 * kTileColumns, kHalf = kTileColumns / 2;
  const std::int32_t* bias = part.bias;  // the same for all rows: a distance of 0
  Tiles::load<0>(bias, 4 * t.bias_row);
  if constexpr (two_columns) Tiles::load<1>(bias + kHalf, 4 * t.bias_row);
  if constexpr (two_rows) Tiles::load<2>(bias + kTileRows * t.bias_row, 4 * t.bias_row);
  if constexpr (two_rows && two_columns) Tiles::load<3>(bias + kTileRows * t.bias_row + kHalf, 4 * t.bias_row);
  const std::int64_t all = t.segments * t.steps;
  for (std::int64_t next = 0; next < all; next += depth) {
    const std::int64_t step = next + depth <= all ? next : all - depth;
    const char* panel = part.weights + step * kRowBytes;
    const BlockRows::View view = a.tile(step, next - step);
    // All loads before all products: where the other thread of the core is busy they take turns, and turns cost.
    Tiles::load<4>(view.a, view.distance);
    if constexpr (two_rows) Tiles::load<5>(view.a + kTileRows * view.distance, view.distance);
    Tiles::load<6>(panel, kRowBytes);
    if constexpr (two_columns) Tiles::load<7>(panel + kTileBytes, kRowBytes);
    Tiles::dot<0, 4, 6>();
    if constexpr (two_columns) Tiles::dot<1, 4, 7>();
    if constexpr (two_rows) Tiles::dot<2, 5, 6>();
    if constexpr (two_rows && two_columns) Tiles::dot<3, 5, 7>();
  }
  std::int32_t *c = part.c, *lower = c + kTileRows * part.c_row;
  Tiles::store<0>(c, 4 * part.c_row);
  if constexpr (two_columns) Tiles::store<1>(c + kHalf, 4 * part.c_row);
  if constexpr (two_rows) Tiles::store<2>(lower, 4 * part.c_row);
  if constexpr (two_rows && two_columns) Tiles::store<3>(lower + kHalf, 4 * part.c_row);
}

template <bool two_rows>
void dot_panels(const DotTile& t, std::int64_t first, std::int64_t rows, std::int64_t depth) noexcept {
  BlockRows a(t, first, rows, depth);
  const std::int64_t c_row = t.c_row == 0 ? kTileColumns : t.c_row, c_panel = t.c_panel == 0 ? t.m * c_row : t.c_panel;
  for (std::int64_t panel = 0; panel < t.panels; ++panel) {
    const Panel part{static_cast<const char*>(t.panel) + panel * t.panel_bytes,
                     t.bias + panel * kTileColumns + first * t.bias_row, t.c + panel * c_panel + first * c_row, c_row};
    const bool narrow = panel + 1 == t.panels && t.n <= kTileColumns / 2;
    (narrow ? dot_block<two_rows, false> : dot_block<two_rows, true>)(t, part, a, depth);
  }
}

// Whole blocks of all panels, and then what is left of the rows: shapes are set at most twice.
void dot_quads(const DotTile& t) noexcept {
  const std::int64_t depth = depth_of(t);
  std::int64_t i = 0;
  if (t.m >= kBlockRows) configure(kTileRows, kTileRows, depth);
  for (; i + kBlockRows <= t.m; i += kBlockRows) dot_panels<true>(t, i, kBlockRows, depth);
  const std::int64_t rest = t.m - i;
  if (rest > kTileRows) {
    configure(kTileRows, rest - kTileRows, depth);
    dot_panels<true>(t, i, rest, depth);
  } else if (rest > 0) {
    configure(rest, 0, depth);
    dot_panels<false>(t, i, rest, depth);
  }
  Tiles::release();
}
