// Winograd's transforms, one square a lane. A square's rows are loaded four pixels at a time for four lanes each and
// transposed, so that lanes may stand anywhere: neighbouring tiles, channels, or filters.

// One line of each transform of F(2, 3), F(4, 3) and F(2, 5), as sums that the points' symmetry shares.
template <int M, int R>
struct Winograd;

template <>
struct Winograd<2, 3> {
  static constexpr int kPoints = 4;
  static void data(const V* d, V* out) noexcept {
    out[0] = d[0] - d[2];
    out[1] = d[1] + d[2];
    out[2] = d[2] - d[1];
    out[3] = d[3] - d[1];
  }
  static void filter(const V* g, V* out) noexcept {
    const V ends = V(0.5F) * (g[0] + g[2]), middle = V(0.5F) * g[1];
    out[0] = g[0];
    out[1] = ends + middle;
    out[2] = ends - middle;
    out[3] = g[2];
  }
  static void output(const V* m, V* out) noexcept {
    out[0] = (m[1] + m[2]) + m[0];
    out[1] = (m[1] - m[2]) + m[3];
  }
};

template <>
struct Winograd<4, 3> {
  static constexpr int kPoints = 6;
  static constexpr float kRoot = 1.41421356237309504880F;
  static void data(const V* d, V* out) noexcept {
    const V root(kRoot), half_root(kRoot / 2);
    const V even1 = fnma(V(2.0F), d[2], d[4]), odd1 = fnma(root, d[1], half_root * d[3]);
    const V even2 = fnma(V(0.5F), d[2], d[4]), odd2 = fnma(half_root, d[1], root * d[3]);
    out[0] = fnma(V(2.5F), d[2], d[0] + d[4]);
    out[1] = even1 + odd1;
    out[2] = even1 - odd1;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = fnma(V(2.5F), d[3], d[1] + d[5]);
  }
  static void filter(const V* g, V* out) noexcept {
    const V third(1.0F / 3), sixth(1.0F / 6);
    const V even1 = third * fma(V(2.0F), g[0], g[2]), odd1 = V(kRoot / 3) * g[1];
    const V even2 = sixth * fma(V(2.0F), g[2], g[0]), odd2 = V(kRoot / 6) * g[1];
    out[0] = g[0];
    out[1] = V(0.0F) - (even1 + odd1);
    out[2] = odd1 - even1;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = g[2];
  }
  static void output(const V* m, V* out) noexcept {
    const V even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
    out[0] = (m[0] + even1) + even2;
    out[1] = fma(V(kRoot), odd2, V(kRoot / 2) * odd1);
    out[2] = fma(V(2.0F), even2, V(0.5F) * even1);
    out[3] = fma(V(2 * kRoot), odd2, fma(V(kRoot / 4), odd1, m[5]));
  }
  // The adjoint of filter.
  static void filter_gradient(const V* u, V* g) noexcept {
    const V third(1.0F / 3), sixth(1.0F / 6);
    const V even1 = third * (u[1] + u[2]), odd1 = V(kRoot / 3) * (u[2] - u[1]);
    const V even2 = sixth * (u[3] + u[4]), odd2 = V(kRoot / 6) * (u[3] - u[4]);
    g[0] = fnma(V(2.0F), even1, u[0] + even2);
    g[1] = odd1 + odd2;
    g[2] = fma(V(2.0F), even2, u[5] - even1);
  }
  // The adjoint of output.
  static void gradient(const V* y, V* out) noexcept {
    const V even1 = fma(V(0.5F), y[2], y[0]), odd1 = fma(V(kRoot / 4), y[3], V(kRoot / 2) * y[1]);
    const V even2 = fma(V(2.0F), y[2], y[0]), odd2 = fma(V(2 * kRoot), y[3], V(kRoot) * y[1]);
    out[0] = y[0];
    out[1] = even1 + odd1;
    out[2] = even1 - odd1;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = y[3];
  }
};

template <>
struct Winograd<2, 5> {
  static constexpr int kPoints = 6;
  static constexpr float kRoot = 1.41421356237309504880F;
  static void data(const V* d, V* out) noexcept { Winograd<4, 3>::data(d, out); }
  static void filter(const V* g, V* out) noexcept {
    const V third(1.0F / 3), sixth(1.0F / 6), root3(kRoot / 3), root6(kRoot / 6);
    const V even1 = fma(V(2.0F / 3), g[0], fma(third, g[2], sixth * g[4])), odd1 = fma(root3, g[1], root6 * g[3]);
    const V even2 = fma(V(2.0F / 3), g[4], fma(third, g[2], sixth * g[0])), odd2 = fma(root3, g[3], root6 * g[1]);
    out[0] = g[0];
    out[1] = V(0.0F) - (even1 + odd1);
    out[2] = odd1 - even1;
    out[3] = even2 + odd2;
    out[4] = even2 - odd2;
    out[5] = g[4];
  }
  static void filter_gradient(const V* u, V* g) noexcept {
    const V third(1.0F / 3), sixth(1.0F / 6), root3(kRoot / 3), root6(kRoot / 6), two_thirds(2.0F / 3);
    const V even1 = u[1] + u[2], odd1 = u[2] - u[1], even2 = u[3] + u[4], odd2 = u[3] - u[4];
    g[0] = fnma(two_thirds, even1, fma(sixth, even2, u[0]));
    g[1] = fma(root3, odd1, root6 * odd2);
    g[2] = third * (even2 - even1);
    g[3] = fma(root6, odd1, root3 * odd2);
    g[4] = fnma(sixth, even1, fma(two_thirds, even2, u[5]));
  }
  static void output(const V* m, V* out) noexcept {
    out[0] = (m[0] + (m[1] + m[2])) + (m[3] + m[4]);
    out[1] = fma(V(kRoot), m[3] - m[4], fma(V(kRoot / 2), m[1] - m[2], m[5]));
  }
  static void gradient(const V* y, V* out) noexcept {
    const V odd1 = V(kRoot / 2) * y[1], odd2 = V(kRoot) * y[1];
    out[0] = y[0];
    out[1] = y[0] + odd1;
    out[2] = y[0] - odd1;
    out[3] = y[0] + odd2;
    out[4] = y[0] - odd2;
    out[5] = y[1];
  }
};

// What follows is inlined by force, as vectors would otherwise pass through memory between the steps of one square.

// N ≥ 4 neighbouring values of each lane, as vectors over the lanes. The last four overlap those before.
template <int N>
[[gnu::always_inline]] inline void load_lanes(const float* const* from, std::int64_t at, V* x) noexcept {
  constexpr int kBlocks = (N + 3) / 4;
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) {
    const int first = b + 1 < kBlocks ? 4 * b : N - 4;
    V block[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const float* groups[kLanes / 4];
#pragma GCC unroll 4
      for (std::int64_t g = 0; g < kLanes / 4; ++g) groups[g] = from[4 * g + r] + at + first;
      block[r] = load_groups(groups);
    }
    transpose_groups(block[0], block[1], block[2], block[3]);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) x[first + r] = block[r];
  }
}

// M×M pixels of each lane.
[[gnu::always_inline]] inline void load_square(const float* const* from, std::int64_t at, std::int64_t row,
                                               V (&x)[4][4]) noexcept {
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) load_lanes<4>(from, at + r * row, x[r]);
}

[[gnu::always_inline]] inline void load_square(const float* const* from, std::int64_t at, std::int64_t row,
                                               V (&x)[2][2]) noexcept {
  V block[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const float* groups[kLanes / 4];
#pragma GCC unroll 4
    for (std::int64_t g = 0; g < kLanes / 4; ++g) groups[g] = from[4 * g + i] + at;
    block[i] = load_group_halves(groups, row);
  }
  transpose_groups(block[0], block[1], block[2], block[3]);
  x[0][0] = block[0];
  x[0][1] = block[1];
  x[1][0] = block[2];
  x[1][1] = block[3];
}

// Calls square(lane pointers, offset, where its points go) for each item of each kLanes lanes.
template <class Square>
[[gnu::always_inline]] inline void for_squares(const WinogradGather& t, const Square& square) noexcept {
  for (std::int64_t j = 0; j < t.lanes; j += kLanes) {
    const float* lanes[kLanes];
    for (std::int64_t i = 0; i < kLanes; ++i) lanes[i] = t.from[j + i < t.lanes ? j + i : t.lanes - 1];
    for (std::int64_t i = 0; i < t.items; ++i) square(lanes, t.offsets[i], t.to + i * t.item_step + j);
  }
}

// The points of an IN×IN square of each lane, by a transform of lines from IN to OUT.
template <int IN, int OUT, class Row, class Line>
[[gnu::always_inline]] inline void to_points(const Row& row, const Line& line, std::int64_t step, float* to) noexcept {
  V half[OUT][IN];
#pragma GCC unroll 6
  for (int r = 0; r < IN; ++r) {
    V out[OUT];
    line(row(r), out);
#pragma GCC unroll 6
    for (int c = 0; c < OUT; ++c) half[c][r] = out[c];
  }
#pragma GCC unroll 6
  for (int c = 0; c < OUT; ++c) {
    V out[OUT];
    line(half[c], out);
#pragma GCC unroll 6
    for (int r = 0; r < OUT; ++r) out[r].store_unaligned(to + (r * OUT + c) * step);
  }
}

template <int M, int R>
void winograd_data_of(const WinogradGather& t) noexcept {
  constexpr int kPoints = Winograd<M, R>::kPoints;
  for_squares(
      t, [&](const float* const* lanes, std::int64_t offset, float* to) __attribute__((always_inline)) {
        V pixels[kPoints];
        const auto row = [&](int r) __attribute__((always_inline)) {
          load_lanes<kPoints>(lanes, offset + r * t.row, pixels);
          return static_cast<const V*>(pixels);
        };
        to_points<kPoints, kPoints>(row, Winograd<M, R>::data, t.point_step, to);
      });
}

template <int M, int R>
void winograd_gradient_of(const WinogradGather& t) noexcept {
  for_squares(
      t, [&](const float* const* lanes, std::int64_t offset, float* to) __attribute__((always_inline)) {
        V pixels[M][M];
        load_square(lanes, offset, t.row, pixels);
        const auto row = [&](int r) __attribute__((always_inline)) { return static_cast<const V*>(pixels[r]); };
        to_points<M, Winograd<M, R>::kPoints>(row, Winograd<M, R>::gradient, t.point_step, to);
      });
}

template <int M, int R>
void winograd_filter_of(const WinogradGather& t) noexcept {
  for_squares(
      t, [&](const float* const* lanes, std::int64_t offset, float* to) __attribute__((always_inline)) {
        V g[R * R];
        load_lanes<R * R>(lanes, offset, g);
        if (t.flipped) {
#pragma GCC unroll 12
          for (int i = 0; i < R * R / 2; ++i) {
            const V other = g[R * R - 1 - i];
            g[R * R - 1 - i] = g[i];
            g[i] = other;
          }
        }
        const auto row = [&](int r) __attribute__((always_inline)) { return static_cast<const V*>(g + R * r); };
        to_points<R, Winograd<M, R>::kPoints>(row, Winograd<M, R>::filter, t.point_step, to);
      });
}

void winograd_data(const WinogradGather& t) noexcept {
  if (t.taps == 5) return winograd_data_of<2, 5>(t);
  t.outputs == 4 ? winograd_data_of<4, 3>(t) : winograd_data_of<2, 3>(t);
}

void winograd_gradient(const WinogradGather& t) noexcept {
  t.taps == 5 ? winograd_gradient_of<2, 5>(t) : winograd_gradient_of<4, 3>(t);
}

void winograd_filter(const WinogradGather& t) noexcept {
  if (t.taps == 5) return winograd_filter_of<2, 5>(t);
  t.outputs == 4 ? winograd_filter_of<4, 3>(t) : winograd_filter_of<2, 3>(t);
}

// M×M outputs of kLanes lanes, M values beside each other a row.
template <int M>
[[gnu::always_inline]] inline void store_lanes(V (*y)[M], float* const* to, std::int64_t at,
                                               std::int64_t row) noexcept {
  constexpr int kTogether = 4 / M;  // rows that one transposition takes
#pragma GCC unroll 4
  for (int r = 0; r < M; r += kTogether) {
    V* four = y[r];
    transpose_groups(four[0], four[1], four[2], four[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      float* groups[kLanes / 4];
#pragma GCC unroll 4
      for (std::int64_t g = 0; g < kLanes / 4; ++g) groups[g] = to[4 * g + i] + at + r * row;
      if constexpr (M == 4) {
        store_groups(groups, four[i]);
      } else {
        store_group_halves(groups, row, four[i]);
      }
    }
  }
}

template <int M, int R>
void winograd_output_of(const WinogradScatter& t) noexcept {
  constexpr int kPoints = Winograd<M, R>::kPoints;
  for (std::int64_t j = 0; j < t.lanes; j += kLanes) {
    const std::int64_t count = t.lanes - j < kLanes ? t.lanes - j : kLanes;
    float outside[kLanes][M * M];  // where tiles go that are cut off, or are none
    float* to[kLanes];
    bool whole = count == kLanes;
    for (std::int64_t i = 0; i < count; ++i) whole = whole && t.heights[j + i] == M && t.widths[j + i] == M;
    for (std::int64_t i = 0; i < kLanes; ++i) to[i] = whole ? t.to[j + i] : outside[i];
    for (std::int64_t item = 0; item < t.items; ++item) {
      const float* from = t.from + item * t.item_step + j;
      V half[M][kPoints], y[M][M];
#pragma GCC unroll 6
      for (int r = 0; r < kPoints; ++r) {
        V in[kPoints], out[M];
#pragma GCC unroll 6
        for (int c = 0; c < kPoints; ++c) in[c] = V::load_unaligned(from + (r * kPoints + c) * t.point_step);
        Winograd<M, R>::output(in, out);
#pragma GCC unroll 4
        for (int c = 0; c < M; ++c) half[c][r] = out[c];
      }
      const V bias(t.bias == nullptr ? 0.0F : t.bias[item]), least(t.relu ? 0.0F : -kInfinity);
#pragma GCC unroll 4
      for (int c = 0; c < M; ++c) {
        V out[M];
        Winograd<M, R>::output(half[c], out);
#pragma GCC unroll 4
        for (int r = 0; r < M; ++r) y[r][c] = xsimd::max(least, out[r] + bias);  // the second comes out for NaN
      }
      if (whole) {
        store_lanes<M>(y, to, t.offsets[item], t.row);
        continue;
      }
      store_lanes<M>(y, to, 0, M);
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t r = 0; r < t.heights[j + i]; ++r) {
          for (std::int64_t c = 0; c < t.widths[j + i]; ++c) {
            t.to[j + i][t.offsets[item] + r * t.row + c] = outside[i][r * M + c];
          }
        }
      }
    }
  }
}

template <int M, int R>
void winograd_filter_gradient_of(const WinogradScatter& t) noexcept {
  constexpr int kPoints = Winograd<M, R>::kPoints;
  for (std::int64_t j = 0; j < t.lanes; j += kLanes) {
    const Part part = part_of(t.lanes - j);
    const std::int64_t count = t.lanes - j < kLanes ? t.lanes - j : kLanes;
    for (std::int64_t item = 0; item < t.items; ++item) {
      const float* from = t.from + item * t.item_step + j;
      V half[R][kPoints];
#pragma GCC unroll 6
      for (int r = 0; r < kPoints; ++r) {
        V in[kPoints], out[R];
#pragma GCC unroll 6
        for (int c = 0; c < kPoints; ++c) in[c] = load(from + (r * kPoints + c) * t.point_step, part);
        Winograd<M, R>::filter_gradient(in, out);
#pragma GCC unroll 5
        for (int c = 0; c < R; ++c) half[c][r] = out[c];
      }
      float taps[R * R][kLanes];
#pragma GCC unroll 5
      for (int c = 0; c < R; ++c) {
        V out[R];
        Winograd<M, R>::filter_gradient(half[c], out);
#pragma GCC unroll 5
        for (int r = 0; r < R; ++r) out[r].store_unaligned(taps[R * r + c]);
      }
      for (std::int64_t i = 0; i < count; ++i) {
        float* to = t.to[j + i] + t.offsets[item];
        for (int tap = 0; tap < R * R; ++tap) to[tap] = taps[tap][i];
      }
    }
  }
}

void winograd_filter_gradient(const WinogradScatter& t) noexcept {
  t.taps == 5 ? winograd_filter_gradient_of<2, 5>(t) : winograd_filter_gradient_of<4, 3>(t);
}

void winograd_output(const WinogradScatter& t) noexcept {
  if (t.taps == 5) return winograd_output_of<2, 5>(t);
  t.outputs == 4 ? winograd_output_of<4, 3>(t) : winograd_output_of<2, 3>(t);
}

void fill_winograd(KernelTable& table) noexcept {
  table.winograd_data = winograd_data;
  table.winograd_gradient = winograd_gradient;
  table.winograd_filter = winograd_filter;
  table.winograd_multiply = winograd_multiply;
  table.winograd_filter_gradient = winograd_filter_gradient;
  table.winograd_output = winograd_output;
}
