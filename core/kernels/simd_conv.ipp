// Convolution from the image: strips of windows for the forward product, a tile whose A is read from the image in place
// for the weight gradient, and the sum of windows' gradients by pixel for the input gradient.

void conv_pack(std::int64_t k, const std::int64_t* offsets, std::int64_t count, const WindowRun* runs,
               const float* image, float* panel) noexcept {
  constexpr std::int64_t kBlock = 64;  // rows of the panel that stay in the first cache while the runs go over them
  for (std::int64_t p0 = 0; p0 < k; p0 += kBlock) {
    const std::int64_t rows = k - p0 < kBlock ? k - p0 : kBlock;
    for (const WindowRun* run = runs; run != runs + count; ++run) {
      for (std::int64_t i = 0; i < run->count; i += kLanes) {
        const Part part = part_of(run->count - i);
        const float* from = image + run->from + i;
        float* to = panel + p0 * kTileColumns + run->to + i;
        for (std::int64_t p = p0; p < p0 + rows; ++p, to += kTileColumns)
          store(to, part, load(from + offsets[p], part));
      }
    }
  }
}

template <std::int64_t R, std::int64_t W>
void gather_of(const GatherTile& t) noexcept {
  V sums[R][W];
#pragma GCC unroll 16
  for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) sums[r][w] = V(0.0F);
  }
  const float* b = t.b;
  for (std::int64_t p = 0; p < t.k; ++p, b += kTileColumns) {
    const float* a = t.a + t.steps[p];
    V columns[W];
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) columns[w] = V::load_unaligned(b + w * kLanes);
#pragma GCC unroll 16
    for (std::int64_t r = 0; r < R; ++r) {
      const V x(a[t.rows[r]]);
#pragma GCC unroll 4
      for (std::int64_t w = 0; w < W; ++w) sums[r][w] = fma(x, columns[w], sums[r][w]);
    }
  }
  const auto at = [&](std::int64_t r, std::int64_t w) { return t.c + r * t.c_row + w * kLanes; };
  const Part last = part_of(t.n - (W - 1) * kLanes);
  if (t.n < W * kLanes) return finish<R, W, true>({.accumulate = t.accumulate}, sums, last, at);
  finish<R, W, false>({.accumulate = t.accumulate}, sums, last, at);
}

template <std::int64_t R, std::int64_t W>
void gather_rows(const GatherTile& t) noexcept {
  if constexpr (R > 1) {
    if (t.m < R) return gather_rows<R - 1, W>(t);
  }
  gather_of<R, W>(t);
}

void conv_gather(const GatherTile& t) noexcept {
  if (t.n <= kLanes) return gather_rows<kTileRows, 1>(t);
  gather_rows<kTileRows, 2>(t);
}

template <std::int64_t R, std::int64_t W>
void windows_of(const WindowTile& t) noexcept {
  V sums[R][W];
#pragma GCC unroll 16
  for (std::int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (std::int64_t w = 0; w < W; ++w) sums[r][w] = V(0.0F);
  }
  Rows<R, false> rows({.a = t.a, .a_row = t.a_row, .a_column = 1});
  const float* columns[W];
#pragma GCC unroll 8
  for (std::int64_t w = 0; w < W; ++w) columns[w] = t.columns[w];
  for (std::int64_t p = 0; p < t.k; ++p, rows.next()) {
    const std::int64_t at = t.offsets[p];
    V pixels[W];
#pragma GCC unroll 8
    for (std::int64_t w = 0; w < W; ++w) pixels[w] = V::load_unaligned(columns[w] + at);
#pragma GCC unroll 16
    for (std::int64_t r = 0; r < R; ++r) {
      const V a = rows[r];
#pragma GCC unroll 8
      for (std::int64_t w = 0; w < W; ++w) sums[r][w] = fma(a, pixels[w], sums[r][w]);
    }
  }
  finish<R, W, false>({.row_bias = t.row_bias, .relu = t.relu}, sums, part_of(kLanes),
                      [&](std::int64_t r, std::int64_t w) { return t.c + r * t.c_row + t.to[w]; });
}

template <std::int64_t R, std::int64_t W>
void windows_rows(const WindowTile& t) noexcept {
  if constexpr (R > 1) {
    if (t.m < R) return windows_rows<R - 1, W>(t);
  }
  windows_of<R, W>(t);
}

template <std::int64_t W>
void single_row(const WindowTile& t) noexcept {
  if constexpr (W > 1) {
    if (t.n < W * kLanes) return single_row<W - 1>(t);
  }
  windows_of<1, W>(t);
}

void conv_windows(const WindowTile& t) noexcept {
  if (t.m == 1) return single_row<kSingleRowVectors>(t);
  if (t.n <= kLanes) return windows_rows<kTileRows, 1>(t);
  windows_rows<kTileRows, 2>(t);
}

// T taps of a kernel's row for the image's columns [x0, x0 + kLanes): each adds a line of its own row of the matrix,
// shifted by what the tap is from the window's corner. Lanes whose window would lie outside are not read.
template <std::int64_t T>
void fold_taps(const FoldPlane& f, const float* matrix, std::int64_t x0, std::int64_t tap, float* plane) noexcept {
  const std::int64_t columns = f.out_height * f.out_width;
  const std::int64_t lanes = f.width - x0 < kLanes ? f.width - x0 : kLanes;
  Span inside[T];
  std::int64_t offset[T];
  for (std::int64_t t = 0; t < T; ++t) {
    const std::int64_t shift = x0 + f.padding_w - (tap + t) * f.dilation_w;
    const std::int64_t end = f.out_width - shift;
    inside[t] = span_of(shift < 0 ? -shift : 0, end < lanes ? end : lanes);
    offset[t] = (tap + t) * columns + shift;
  }
  const Part part = part_of(lanes);
  for (std::int64_t y = 0; y < f.height; ++y) {
    float* line = plane + y * f.width + x0;
    V sum = tap == 0 ? V(0.0F) : load(line, part);
    for (std::int64_t ky = 0; ky < f.kernel_h; ++ky) {
      const std::int64_t oy = y + f.padding_h - ky * f.dilation_h;
      if (oy < 0 || oy >= f.out_height) continue;
      const float* row = matrix + ky * f.kernel_w * columns + oy * f.out_width;
#pragma GCC unroll 8
      for (std::int64_t t = 0; t < T; ++t) sum += load(row + offset[t], inside[t]);
    }
    store(line, part, sum);
  }
}

template <std::int64_t T>
void fold_block(const FoldPlane& f, const float* matrix, std::int64_t x0, std::int64_t tap, float* plane) noexcept {
  if constexpr (T > 1) {
    if (f.kernel_w - tap < T) return fold_block<T - 1>(f, matrix, x0, tap, plane);
  }
  fold_taps<T>(f, matrix, x0, tap, plane);
}

void conv_fold(const FoldPlane& f, const float* matrix, float* plane) noexcept {
  constexpr std::int64_t kTaps = 5;  // one row of most kernels
  for (std::int64_t x0 = 0; x0 < f.width; x0 += kLanes) {
    for (std::int64_t tap = 0; tap < f.kernel_w; tap += kTaps) fold_block<kTaps>(f, matrix, x0, tap, plane);
  }
}

// The sums of T taps from tap p on.
template <std::int64_t T>
void taps_of(const TapPlane& t, std::int64_t p) noexcept {
  V sums[T];
  const std::int64_t* offsets = t.offsets + p;
#pragma GCC unroll 9
  for (std::int64_t i = 0; i < T; ++i) sums[i] = V(0.0F);
  for (std::int64_t y = 0; y < t.height; ++y) {
    const float *dy = t.dy + y * t.width, *image = t.image + y * t.image_row;
    std::int64_t x = 0;
    for (; x + kLanes <= t.width; x += kLanes) {
      const V grad = V::load_unaligned(dy + x);
#pragma GCC unroll 9
      for (std::int64_t i = 0; i < T; ++i) sums[i] = fma(grad, V::load_unaligned(image + offsets[i] + x), sums[i]);
    }
    if (x == t.width) continue;
    const Part rest = part_of(t.width - x);
    const V grad = load(dy + x, rest);
#pragma GCC unroll 9
    for (std::int64_t i = 0; i < T; ++i) sums[i] = fma(grad, load(image + offsets[i] + x, rest), sums[i]);
  }
#pragma GCC unroll 9
  for (std::int64_t i = 0; i < T; ++i) t.sums[p + i] += total(sums[i]);
}

template <std::int64_t T>
void taps_block(const TapPlane& t, std::int64_t p) noexcept {
  if constexpr (T > 1) {
    if (t.k - p < T) return taps_block<T - 1>(t, p);
  }
  taps_of<T>(t, p);
}

void conv_taps(const TapPlane& t) noexcept {
  constexpr std::int64_t kTaps = 9;  // a kernel of 3×3, and as many sums as registers leave room for
  for (std::int64_t p = 0; p < t.k; p += kTaps) taps_block<kTaps>(t, p);
}

void fill_conv(KernelTable& table) noexcept {
  table.conv_pack = conv_pack;
  table.conv_gather = conv_gather;
  table.conv_lanes = kLanes;
  table.conv_windows = conv_windows;
  table.conv_fold = conv_fold;
  table.conv_taps = conv_taps;
}
