// Max-pooling by neighbouring windows of 2×2 pixels: two rows are split into even and odd columns, so that the four
// pixels of kLanes windows meet in four vectors.

// 2·count neighbouring values, count ≤ kLanes, split by the parity of their position.
void load_pairs(const float* x, std::int64_t count, V& even, V& odd) noexcept {
  const std::int64_t upper = 2 * count - kLanes;
  split_pairs(load(x, part_of(2 * count)), upper > 0 ? load(x + kLanes, part_of(upper)) : V(0.0F), even, odd);
}

void store_pairs(float* x, std::int64_t count, V even, V odd) noexcept {
  V low, high;
  join_pairs(even, odd, low, high);
  store(x, part_of(2 * count), low);
  if (2 * count > kLanes) store(x + kLanes, part_of(2 * count - kLanes), high);
}

// run(pixels, count, at) for up to kLanes neighbouring windows at a time, of which the first is window `at`.
template <class Run>
void each_pairs(const PairPlane& plane, const float* x, Run run) noexcept {
  const std::int64_t columns = plane.width / 2;
  for (std::int64_t row = 0; row < plane.height / 2; ++row, x += 2 * plane.row) {
    for (std::int64_t j = 0; j < columns; j += kLanes) {
      const std::int64_t count = columns - j < kLanes ? columns - j : kLanes;
      V pixels[4];
      load_pairs(x + 2 * j, count, pixels[0], pixels[1]);
      load_pairs(x + plane.row + 2 * j, count, pixels[2], pixels[3]);
      run(pixels, count, row * columns + j);
    }
  }
}

// The largest of four pixels in each lane, and which of them it is.
struct Largest {
  V value, at;
};
Largest largest(const V (&pixels)[4]) noexcept {
  Largest best{pixels[0], V(0.0F)};
#pragma GCC unroll 3
  for (int i = 1; i < 4; ++i) {
    const auto better = (pixels[i] > best.value) | xsimd::isnan(pixels[i]);
    best.value = xsimd::select(better, pixels[i], best.value);
    best.at = xsimd::select(better, V(static_cast<float>(i)), best.at);
  }
  return best;
}

void pool_pairs(const PairPlane& plane, const float* x, float* y, float* chosen) noexcept {
  each_pairs(plane, x, [=](const V(&pixels)[4], std::int64_t count, std::int64_t to) {
    const Largest best = largest(pixels);
    store(y + to, part_of(count), best.value);
    store(chosen + to, part_of(count), best.at);
  });
}

bool pool_pairs_on_grid(const PairPlane& plane, const FakeQuantGrid& grid, const float* x, float* y, float* chosen,
                        float* taken) noexcept {
  const Snap snap(grid);
  V::batch_bool_type inside(true);
  each_pairs(plane, x, [&](const V(&pixels)[4], std::int64_t count, std::int64_t to) {
    V snapped[4];
    snap(pixels, snapped, inside);
    const Largest best = largest(snapped);
    V pixel = pixels[0];
#pragma GCC unroll 3
    for (int i = 1; i < 4; ++i) pixel = xsimd::select(best.at == V(static_cast<float>(i)), pixels[i], pixel);
    store(y + to, part_of(count), best.value);
    store(chosen + to, part_of(count), best.at);
    store(taken + to, part_of(count), pixel);
  });
  return xsimd::all(inside);
}

void pool_pairs_grad(const PairPlane& plane, const float* dy, const float* chosen, float* dx) noexcept {
  const std::int64_t columns = plane.width / 2;
  for (std::int64_t row = 0; row < plane.height / 2; ++row, dx += 2 * plane.row, dy += columns, chosen += columns) {
    for (std::int64_t j = 0; j < columns; j += kLanes) {
      const std::int64_t count = columns - j < kLanes ? columns - j : kLanes;
      const V grad = load(dy + j, part_of(count)), at = load(chosen + j, part_of(count)), zero(0.0F);
      const auto given = [&](float i) { return xsimd::select(at == V(i), grad, zero); };
      store_pairs(dx + 2 * j, count, given(0.0F), given(1.0F));
      store_pairs(dx + plane.row + 2 * j, count, given(2.0F), given(3.0F));
    }
    if (plane.width % 2 != 0) dx[plane.width - 1] = dx[plane.row + plane.width - 1] = 0;
  }
  if (plane.height % 2 == 0) return;
  for (std::int64_t j = 0; j < plane.width; ++j) dx[j] = 0;
}

void fill_pool(KernelTable& table) noexcept {
  table.pool_pairs = pool_pairs;
  table.pool_pairs_on_grid = pool_pairs_on_grid;
  table.pool_pairs_grad = pool_pairs_grad;
}
