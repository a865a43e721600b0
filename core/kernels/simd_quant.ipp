// Ranges and fake quantization.

// Minimum and maximum of two vectors each, to hide their latency; NaN is kept beside them, as they may lose it.
void min_max(std::int64_t n, const float* x, float* low, float* high) noexcept {
  V least(kInfinity), most(-kInfinity), invalid(0.0F);
  const auto take = [&](V v) {
    least = xsimd::min(v, least);
    most = xsimd::max(v, most);
    invalid = xsimd::select(xsimd::isnan(v), v, invalid);
  };
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) take(V::load_unaligned(x + i));
  if (i < n) {
    least = xsimd::min(load_first(x + i, n - i, kInfinity), least);
    most = xsimd::max(load_first(x + i, n - i, -kInfinity), most);
    const V rest = load(x + i, part_of(n - i));
    invalid = xsimd::select(xsimd::isnan(rest), rest, invalid);
  }
  float lows[kLanes], highs[kLanes];
  least.store_unaligned(lows);
  most.store_unaligned(highs);
  *low = lows[0];
  *high = highs[0];
  for (std::int64_t l = 1; l < kLanes; ++l) {
    if (lows[l] < *low) *low = lows[l];
    if (highs[l] > *high) *high = highs[l];
  }
  const float nan = total(invalid);
  if (nan != nan) *low = *high = nan;
}

// round(x/scale) + zero, before it is clamped.
V grid_step(V x, V scale, V zero) noexcept { return xsimd::nearbyint(x / scale) + zero; }

void fake_quant(std::int64_t n, const FakeQuantGrid& grid, const float* x, float* y) noexcept {
  const V scale(grid.scale), zero(grid.zero), low(grid.low), high(grid.high);
  // The second operand is what min and max of these instruction sets give where one is NaN.
  const auto snap = [&](V v) { return (xsimd::min(high, xsimd::max(low, grid_step(v, scale, zero))) - zero) * scale; };
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) snap(V::load_unaligned(x + i)).store_unaligned(y + i);
  if (i < n) store(y + i, part_of(n - i), snap(load(x + i, part_of(n - i))));
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
