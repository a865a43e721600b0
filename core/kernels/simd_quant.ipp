// Ranges and fake quantization.

// Minimum and maximum of four vectors each, to hide their latency; that there is a NaN is kept beside them, as they may
// lose it.
void min_max(std::int64_t n, const float* x, float* low, float* high) noexcept {
  constexpr std::int64_t kStreams = 4;
  V least[kStreams], most[kStreams];
#pragma GCC unroll 4
  for (std::int64_t s = 0; s < kStreams; ++s) {
    least[s] = V(kInfinity);
    most[s] = V(-kInfinity);
  }
  auto invalid = xsimd::isnan(V(0.0F));
  const auto take = [&](std::int64_t s, V v) {
    least[s] = xsimd::min(v, least[s]);
    most[s] = xsimd::max(v, most[s]);
    invalid = invalid | xsimd::isnan(v);  // v != v is ordered in xsimd 8.1
  };
  std::int64_t i = 0;
  for (; i + kStreams * kLanes <= n; i += kStreams * kLanes) {
#pragma GCC unroll 4
    for (std::int64_t s = 0; s < kStreams; ++s) take(s, V::load_unaligned(x + i + s * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) take(0, V::load_unaligned(x + i));
  if (i < n) {
    least[1] = xsimd::min(load_first(x + i, n - i, kInfinity), least[1]);
    most[1] = xsimd::max(load_first(x + i, n - i, -kInfinity), most[1]);
    const V rest = load(x + i, part_of(n - i));
    invalid = invalid | xsimd::isnan(rest);
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

// round(x/scale) + zero, before it is clamped.
V grid_step(V x, V scale, V zero) noexcept { return xsimd::nearbyint(x / scale) + zero; }

bool fake_quant(std::int64_t n, const FakeQuantGrid& grid, const float* x, float* y) noexcept {
  const V scale(grid.scale), zero(grid.zero), low(grid.low), high(grid.high);
  V::batch_bool_type inside(true);
  const auto snap = [&](V v) {
    const V q = grid_step(v, scale, zero);
    const V clamped = xsimd::min(high, xsimd::max(low, q));  // NaN passes, as the second operand
    inside = inside & (clamped == q);
    return (clamped - zero) * scale;
  };
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) snap(V::load_unaligned(x + i)).store_unaligned(y + i);
  if (i < n) store(y + i, part_of(n - i), snap(load(x + i, part_of(n - i))));
  return xsimd::all(inside);
}

void fake_quant_grad(std::int64_t n, const FakeQuantGrid& grid, const float* x, const float* dy, float* dx) noexcept {
  const V scale(grid.scale), zero(grid.zero), low(grid.low), high(grid.high);
  const auto keep = [&](V v, V g) {
    const V q = grid_step(v, scale, zero);
    return xsimd::select((q >= low) & (q <= high), g, V(0.0F));
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
