// Copies of operands in the order in which the tile reads them: width values (rows of A, columns of B) for every p.

constexpr std::int64_t kTileColumns = kTileVectors * kLanes;

// Values that are contiguous for every p: panel[p·width + i] = x[p·step + i] for i < count, else 0.
template <std::int64_t width>
void pack_rows(std::int64_t count, std::int64_t k, const float* x, std::int64_t step, float* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const Part wanted = part_of(count > i ? count - i : 0);
      store(panel + p * width + i, part_of(width - i), load(x + p * step + i, wanted));
    }
  }
}

// Four values of p for kLanes values of i from i0 on, by transposing groups of four. Rows past the last repeat it and
// are cleared on the way out.
template <std::int64_t width>
void transpose_block(std::int64_t count, const float* x, std::int64_t stride, std::int64_t i0, float* panel) noexcept {
  V block[4];
#pragma GCC unroll 4
  for (std::int64_t r = 0; r < 4; ++r) {
    const float* groups[kLanes / 4];
#pragma GCC unroll 4
    for (std::int64_t g = 0; g < kLanes / 4; ++g) {
      const std::int64_t i = i0 + 4 * g + r;
      groups[g] = x + (i < count ? i : count - 1) * stride;
    }
    block[r] = load_groups(groups);
  }
  transpose_groups(block[0], block[1], block[2], block[3]);
  const Part inside = part_of(width - i0);
  if (count >= i0 + kLanes || count >= width) {
    for (std::int64_t q = 0; q < 4; ++q) store(panel + q * width + i0, inside, block[q]);
    return;
  }
  const Part valid = part_of(count > i0 ? count - i0 : 0);
  for (std::int64_t q = 0; q < 4; ++q) {
    store(panel + q * width + i0, inside, V(0.0F));
    store(panel + q * width + i0, valid, block[q]);
  }
}

// Values that are contiguous along p: panel[p·width + i] = x[i·stride + p] for i < count, else 0.
template <std::int64_t width>
void pack_transposed(std::int64_t count, std::int64_t k, const float* x, std::int64_t stride, float* panel) noexcept {
  std::int64_t p = 0;
  for (; p + 4 <= k; p += 4) {
    for (std::int64_t i = 0; i < width; i += kLanes) transpose_block<width>(count, x + p, stride, i, panel + p * width);
  }
  for (; p < k; ++p) {
    for (std::int64_t i = 0; i < width; ++i) panel[p * width + i] = i < count ? x[i * stride + p] : 0.0F;
  }
}

template <std::int64_t width>
void pack(std::int64_t count, std::int64_t k, const float* x, std::int64_t along, std::int64_t across,
          float* panel) noexcept {
  if (across == 1) return pack_rows<width>(count, k, x, along, panel);
  if (along == 1) return pack_transposed<width>(count, k, x, across, panel);
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t i = 0; i < width; ++i) panel[p * width + i] = i < count ? x[p * along + i * across] : 0.0F;
  }
}

void pack_a(std::int64_t m, std::int64_t k, const float* a, std::int64_t row, std::int64_t column,
            float* panel) noexcept {
  pack<kTileRows>(m, k, a, column, row, panel);
}

void pack_b(std::int64_t n, std::int64_t k, const float* b, std::int64_t row, std::int64_t column,
            float* panel) noexcept {
  pack<kTileColumns>(n, k, b, row, column, panel);
}

void fill_gemm(KernelTable& table) noexcept {
  table.gemm_mr = kTileRows;
  static_assert(kTileColumns <= detail::kMostColumns);
  table.gemm_nr = kTileColumns;
  table.gemm_depth = kTileDepth;
  table.gemm_pack_a = pack_a;
  table.gemm_pack_b = pack_b;
  table.gemm_tile = tile;
  table.gemm_dot = dot;
  table.gemm_few_rows = few_rows;
}
