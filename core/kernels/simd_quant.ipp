// Ranges and fake quantization.

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
  float lows[kLanes], highs[kLanes];
  xsimd::min(xsimd::min(least[0], least[1]), xsimd::min(least[2], least[3])).store_unaligned(lows);
  xsimd::max(xsimd::max(most[0], most[1]), xsimd::max(most[2], most[3])).store_unaligned(highs);
  *low = lows[0];
  *high = highs[0];
  for (std::int64_t l = 1; l < kLanes; ++l) {
    if (lows[l] < *low) *low = lows[l];
    if (highs[l] > *high) *high = highs[l];
  }
  if (xsimd::any(invalid)) *low = *high = __builtin_nanf("");
}

template <class Snap>
void each_vector(std::int64_t n, const float* x, float* y, Snap snap) noexcept {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) snap(V::load_unaligned(x + i)).store_unaligned(y + i);
  if (i < n) store(y + i, part_of(n - i), snap(load(x + i, part_of(n - i))));
}

// Counted from the zero point: integers below 2^24 are added without rounding. + 0 makes −0 the 0 that q − zero is.
// Where there is a divider to wait for, what waits fills the scheduler: each instruction less is a division more in
// flight.
bool fake_quant(std::int64_t n, const FakeQuantGrid& grid, const float* x, float* y) noexcept {
  const V scale(grid.scale), nothing(0.0F);
  const Divisor divided(grid.scale);
  if (grid.covers) {
    each_vector(n, x, y, [&](V v) { return (xsimd::nearbyint(V(divided(v))) + nothing) * scale; });
    return true;
  }
  const V low(grid.low - grid.zero), high(grid.high - grid.zero);
  V::batch_bool_type inside(true);
  each_vector(n, x, y, [&](V v) {
    const V r = xsimd::nearbyint(V(divided(v)));
    const V clamped = xsimd::min(high, xsimd::max(low, r));  // NaN passes, as the second operand
    inside = inside & (clamped == r);
    return (clamped + nothing) * scale;
  });
  return xsimd::all(inside);
}

void fake_quant_grad(std::int64_t n, const FakeQuantGrid& grid, const float* x, const float* dy, float* dx) noexcept {
  const V low(grid.low - grid.zero), high(grid.high - grid.zero);
  const Divisor divided(grid.scale);
  const auto keep = [&](V v, V g) {
    const V r = xsimd::nearbyint(V(divided(v)));
    return xsimd::select((r >= low) & (r <= high), g, V(0.0F));
  };
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    keep(V::load_unaligned(x + i), V::load_unaligned(dy + i)).store_unaligned(dx + i);
  }
  if (i < n) {
    const Part rest = part_of(n - i);
    store(dx + i, rest, keep(load(x + i, rest), load(dy + i, rest)));
  }
}

void fill_quant(KernelTable& table) noexcept {
  table.min_max = min_max;
  table.fake_quant = fake_quant;
  table.fake_quant_grad = fake_quant_grad;
}
