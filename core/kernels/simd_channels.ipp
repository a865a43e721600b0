// Sums and functions by channel (ChannelBlock). A vector holds neighbouring cells of one channel or, where a channel has
// one cell a sample, neighbouring channels.

// What is added up, from a and x at the same places and the mean of their channels. Where a plane ends within a vector, a is
// 0 and x the mean.
struct SumOfValues {
  static constexpr std::int64_t kSums = 1;
  static void add(V, V x, V, V* sums) noexcept { sums[0] += x; }
};
struct SumOfSquares {
  static constexpr std::int64_t kSums = 1;
  static void add(V, V x, V mean, V* sums) noexcept {
    const V rest = x - mean;
    sums[0] = fma(rest, rest, sums[0]);
  }
};
struct SumOfProducts {
  static constexpr std::int64_t kSums = 2;
  static void add(V a, V x, V mean, V* sums) noexcept {
    sums[0] += a;
    sums[1] = fma(a, x - mean, sums[1]);
  }
};

struct ChannelSums {
  const float *a, *x;
  const float* mean;  // or null: 0
  float* sums[2];
};

template <class Term>
void sum_planes(const ChannelBlock& b, const ChannelSums& s) noexcept {
  constexpr std::int64_t kParts = 4;
  for (std::int64_t c = 0; c < b.channels; ++c) {
    V sums[Term::kSums];
#pragma GCC unroll 2
    for (std::int64_t t = 0; t < Term::kSums; ++t) sums[t] = V(0.0F);
    const float middle = s.mean == nullptr ? 0.0F : s.mean[c];
    const V mean(middle);
    for (std::int64_t n = 0; n < b.samples; ++n) {
      const float *a = s.a + n * b.row + c * b.cells, *x = s.x + n * b.row + c * b.cells;
      V parts[kParts][Term::kSums];
#pragma GCC unroll 4
      for (std::int64_t p = 0; p < kParts; ++p) {
#pragma GCC unroll 2
        for (std::int64_t t = 0; t < Term::kSums; ++t) parts[p][t] = V(0.0F);
      }
      std::int64_t i = 0;
      for (; i + kParts * kLanes <= b.cells; i += kParts * kLanes) {
#pragma GCC unroll 4
        for (std::int64_t p = 0; p < kParts; ++p) {
          Term::add(V::load_unaligned(a + i + p * kLanes), V::load_unaligned(x + i + p * kLanes), mean, parts[p]);
        }
      }
      for (; i + kLanes <= b.cells; i += kLanes) {
        Term::add(V::load_unaligned(a + i), V::load_unaligned(x + i), mean, parts[0]);
      }
      if (i < b.cells) {
        Term::add(load(a + i, part_of(b.cells - i)), load_first(x + i, b.cells - i, middle), mean, parts[1]);
      }
      // Planes are summed apart: in one sum over all of them, roundings would add up along the whole batch.
#pragma GCC unroll 2
      for (std::int64_t t = 0; t < Term::kSums; ++t) {
        sums[t] += (parts[0][t] + parts[1][t]) + (parts[2][t] + parts[3][t]);
      }
    }
#pragma GCC unroll 2
    for (std::int64_t t = 0; t < Term::kSums; ++t) s.sums[t][c] = total(sums[t]);
  }
}

// W vectors of channels from c on, with one cell a sample; the last of them may be a part.
template <class Term, std::int64_t W>
void sum_columns(const ChannelBlock& b, const ChannelSums& s, std::int64_t c, Part last) noexcept {
  const Part whole = part_of(kLanes);
  const auto part = [&](std::int64_t w) { return w == W - 1 ? last : whole; };
  V sums[W][Term::kSums], mean[W];
#pragma GCC unroll 4
  for (std::int64_t w = 0; w < W; ++w) {
    mean[w] = s.mean == nullptr ? V(0.0F) : load(s.mean + c + w * kLanes, part(w));
#pragma GCC unroll 2
    for (std::int64_t t = 0; t < Term::kSums; ++t) sums[w][t] = V(0.0F);
  }
  for (std::int64_t n = 0; n < b.samples; ++n) {
    const float *a = s.a + n * b.row + c, *x = s.x + n * b.row + c;
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) {
      Term::add(load(a + w * kLanes, part(w)), load(x + w * kLanes, part(w)), mean[w], sums[w]);
    }
  }
#pragma GCC unroll 4
  for (std::int64_t w = 0; w < W; ++w) {
#pragma GCC unroll 2
    for (std::int64_t t = 0; t < Term::kSums; ++t) store(s.sums[t] + c + w * kLanes, part(w), sums[w][t]);
  }
}

template <class Term>
void sum_channels(const ChannelBlock& b, const ChannelSums& s) noexcept {
  if (b.cells != 1) return sum_planes<Term>(b, s);
  std::int64_t c = 0;
  for (; c + 4 * kLanes <= b.channels; c += 4 * kLanes) sum_columns<Term, 4>(b, s, c, part_of(kLanes));
  for (; c < b.channels; c += kLanes) sum_columns<Term, 1>(b, s, c, part_of(b.channels - c));
}

void channel_sum(const ChannelBlock& b, const float* x, float* sums) noexcept {
  sum_channels<SumOfValues>(b, {.a = x, .x = x, .mean = nullptr, .sums = {sums, nullptr}});
}

void channel_squares(const ChannelBlock& b, const float* x, const float* mean, float* sums) noexcept {
  sum_channels<SumOfSquares>(b, {.a = x, .x = x, .mean = mean, .sums = {sums, nullptr}});
}

void channel_products(const ChannelBlock& b, const float* dy, const float* x, const float* mean, float* sums,
                      float* products) noexcept {
  sum_channels<SumOfProducts>(b, {.a = dy, .x = x, .mean = mean, .sums = {sums, products}});
}

// y = f(a, x, the channel's value of each of N arrays).
template <std::int64_t N, auto f>
void map_channels(const ChannelBlock& b, const float* a, const float* x, const float* const (&by)[N],
                  float* y) noexcept {
  V k[N];
  for (std::int64_t n = 0; n < b.samples; ++n, a += b.row, x += b.row, y += b.row) {
    for (std::int64_t c = 0; b.cells == 1 && c < b.channels; c += kLanes) {
      const Part part = part_of(b.channels - c);
#pragma GCC unroll 4
      for (std::int64_t j = 0; j < N; ++j) k[j] = load(by[j] + c, part);
      store(y + c, part, f(load(a + c, part), load(x + c, part), k));
    }
    for (std::int64_t c = 0; b.cells != 1 && c < b.channels; ++c) {
#pragma GCC unroll 4
      for (std::int64_t j = 0; j < N; ++j) k[j] = V(by[j][c]);
      std::int64_t i = c * b.cells;
      const std::int64_t end = i + b.cells;
      for (; i + kLanes <= end; i += kLanes) {
        f(V::load_unaligned(a + i), V::load_unaligned(x + i), k).store_unaligned(y + i);
      }
      const Part rest = part_of(end - i);
      if (i < end) store(y + i, rest, f(load(a + i, rest), load(x + i, rest), k));
    }
  }
}

void channel_scale(const ChannelBlock& b, const float* x, const float* mean, const float* factor, const float* shift,
                   float* y) noexcept {
  const float* const by[] = {mean, factor, shift};
  map_channels<3, [](V, V value, const V* k) { return fma(value - k[0], k[1], k[2]); }>(b, x, x, by, y);
}

void channel_scale_grad(const ChannelBlock& b, const float* dy, const float* x, const float* mean, const float* factor,
                        const float* slope, const float* offset, float* dx) noexcept {
  const float* const by[] = {mean, factor, slope, offset};
  map_channels<4, [](V grad, V value, const V* k) { return k[1] * fnma(value - k[0], k[2], grad - k[3]); }>(b, dy, x,
                                                                                                            by, dx);
}

void fill_channels(KernelTable& table) noexcept {
  table.channel_sum = channel_sum;
  table.channel_squares = channel_squares;
  table.channel_products = channel_products;
  table.channel_scale = channel_scale;
  table.channel_scale_grad = channel_scale_grad;
}
