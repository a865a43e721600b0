// Ranges and fake quantization.

// The extreme lane by `op`, which compares vectors of four.
template <class Op>
float extreme_lane(V x, Op op) noexcept {
  float lanes[kLanes];
  x.store_unaligned(lanes);
  __m128 four = _mm_loadu_ps(lanes);
  for (std::int64_t l = 4; l < kLanes; l += 4) four = op(four, _mm_loadu_ps(lanes + l));
  const __m128 two = op(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(op(two, _mm_movehdup_ps(two)));
}

// Minimum and maximum of four vectors each, to hide their latency; that there is a NaN is kept beside them, as they may
// lose it, and asked of two vectors at once.
void min_max(std::int64_t n, const float* x, float* low, float* high) noexcept {
  constexpr std::int64_t kStreams = 4;
  V least[kStreams], most[kStreams];
#pragma GCC unroll 4
  for (std::int64_t s = 0; s < kStreams; ++s) {
    least[s] = V(kInfinity);
    most[s] = V(-kInfinity);
  }
  V::batch_bool_type invalid(false);
  const auto take = [&](std::int64_t s, V v) {
    least[s] = xsimd::min(v, least[s]);
    most[s] = xsimd::max(v, most[s]);
  };
  std::int64_t i = 0;
  for (; i + kStreams * kLanes <= n; i += kStreams * kLanes) {
    V v[kStreams];
#pragma GCC unroll 4
    for (std::int64_t s = 0; s < kStreams; ++s) {
      v[s] = V::load_unaligned(x + i + s * kLanes);
      take(s, v[s]);
    }
    invalid = invalid | unordered(v[0], v[1]) | unordered(v[2], v[3]);
  }
  for (; i + kLanes <= n; i += kLanes) {
    const V v = V::load_unaligned(x + i);
    take(0, v);
    invalid = invalid | unordered(v, v);
  }
  if (i < n) {
    least[1] = xsimd::min(load_first(x + i, n - i, kInfinity), least[1]);
    most[1] = xsimd::max(load_first(x + i, n - i, -kInfinity), most[1]);
    const V rest = load(x + i, part_of(n - i));
    invalid = invalid | unordered(rest, rest);
  }
  *low = extreme_lane(xsimd::min(xsimd::min(least[0], least[1]), xsimd::min(least[2], least[3])),
                      [](__m128 a, __m128 b) { return _mm_min_ps(a, b); });
  *high = extreme_lane(xsimd::max(xsimd::max(most[0], most[1]), xsimd::max(most[2], most[3])),
                       [](__m128 a, __m128 b) { return _mm_max_ps(a, b); });
  if (xsimd::any(invalid)) *low = *high = __builtin_nanf("");
}

// snap(x, y) for y[i..] from x[i..], by up to four vectors.
template <class Snap>
void each_vectors(std::int64_t n, const float* x, float* y, Snap snap) noexcept {
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    V from[4], to[4];
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < 4; ++v) from[v] = V::load_unaligned(x + i + v * kLanes);
    snap(i, from, to);
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < 4; ++v) to[v].store_unaligned(y + i + v * kLanes);
  }
  for (; i < n; i += kLanes) {
    const Part part = part_of(n - i);
    V from[1] = {load(x + i, part)}, to[1];
    snap(i, from, to);
    store(y + i, part, to[0]);
  }
}

bool fake_quant(std::int64_t n, const FakeQuantGrid& grid, const float* x, float* y) noexcept {
  const Snap snap(grid);
  V::batch_bool_type inside(true);
  each_vectors(n, x, y, [&](std::int64_t, const auto& from, auto& to) { snap(from, to, inside); });
  return xsimd::all(inside);
}

void fake_quant_grad(std::int64_t n, const FakeQuantGrid& grid, const float* x, const float* dy, float* dx) noexcept {
  const NearestSteps nearest(grid);
  const V low(grid.low - grid.zero), high(grid.high - grid.zero);
  each_vectors(n, x, dx, [&]<int count>(std::int64_t at, const V(&from)[count], V(&to)[count]) {
    V step[count];
    nearest.of(from, step);
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      const float* gradient = dy + at + i * kLanes;
      const V g = count > 1 ? V::load_unaligned(gradient) : load(gradient, part_of(n - at));
      to[i] = xsimd::select((step[i] >= low) & (step[i] <= high), g, V(0.0F));
    }
  });
}

void fill_quant(KernelTable& table) noexcept {
  table.min_max = min_max;
  table.fake_quant = fake_quant;
  table.fake_quant_grad = fake_quant_grad;
}
