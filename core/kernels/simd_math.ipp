// Elementwise functions, by the vector; the rest of fewer than kLanes values goes through the same arithmetic.

template <auto f>
void map(std::int64_t n, const float* x, float* y) noexcept {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(V::load_unaligned(x + i)).store_unaligned(y + i);
  if (i == n) return;
  const Part rest = part_of(n - i);
  store(y + i, rest, f(load(x + i, rest)));
}

template <auto f>
void map2(std::int64_t n, const float* a, const float* b, float* y) noexcept {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(V::load_unaligned(a + i), V::load_unaligned(b + i)).store_unaligned(y + i);
  if (i == n) return;
  const Part rest = part_of(n - i);
  store(y + i, rest, f(load(a + i, rest), load(b + i, rest)));
}

template <auto f>
void map_scalar(std::int64_t n, const float* a, float b, float* y) noexcept {
  const V second(b);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(V::load_unaligned(a + i), second).store_unaligned(y + i);
  if (i == n) return;
  const Part rest = part_of(n - i);
  store(y + i, rest, f(load(a + i, rest), second));
}

void axpy(std::int64_t n, float a, const float* x, float* y) noexcept {
  const V factor(a);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    fma(factor, V::load_unaligned(x + i), V::load_unaligned(y + i)).store_unaligned(y + i);
  }
  if (i == n) return;
  const Part rest = part_of(n - i);
  store(y + i, rest, fma(factor, load(x + i, rest), load(y + i, rest)));
}

void normalize_u8(std::int64_t n, const std::uint8_t* x, float scale, float shift, float* y) noexcept {
  const V by(scale), plus(shift);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) fma(load_bytes(x + i), by, plus).store_unaligned(y + i);
  if (i == n) return;
  std::uint8_t rest[kLanes] = {};
  for (std::int64_t j = i; j < n; ++j) rest[j - i] = x[j];
  store(y + i, part_of(n - i), fma(load_bytes(rest), by, plus));
}

// e^x by x = k·ln 2 + r, |r| ≤ ½·ln 2, and the polynomial of Cephes' expf (Moshier 1992). Results up to the largest
// float, and denormal ones, come out; xsimd's own exp gives infinity from 88.38 on.
V exp(V x) noexcept {
  x = xsimd::min(V(89.0F), xsimd::max(V(-104.0F), x));  // NaN passes, as the second operand
  const V k = xsimd::nearbyint(x * V(1.44269504F));
  const V r = fnma(k, V(-2.12194440e-4F), fnma(k, V(0.693359375F), x));
  V y(1.9875691500e-4F);
  for (const float c : {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F}) {
    y = fma(y, r, V(c));
  }
  y = fma(y, r * r, r + V(1.0F));
  return times_power_of_two(y, k);
}

// max(x, 0); the second operand of the processor's maximum is what comes out for NaN.
V relu(V x) noexcept { return xsimd::max(V(0.0F), x); }

// Arguments of exp stay at or below 0, so that nothing overflows.
V sigmoid(V x) noexcept {
  const V e = exp(-xsimd::abs(x));
  return xsimd::select(x < V(0.0F), e, V(1.0F)) / (V(1.0F) + e);
}

V softplus(V x) noexcept { return relu(x) + xsimd::log1p(exp(-xsimd::abs(x))); }

// Φ(x), the distribution function of the standard normal.
V normal_cdf(V x) noexcept { return V(0.5F) * xsimd::erfc(x * V(-0.70710678F)); }

V gelu_grad(V dy, V x) noexcept {
  const V density = V(0.39894228F) * exp(x * x * V(-0.5F));
  return dy * fma(x, density, normal_cdf(x));
}

void fill_math(KernelTable& table) noexcept {
  table.add = map2<[](V a, V b) { return a + b; }>;
  table.sub = map2<[](V a, V b) { return a - b; }>;
  table.mul = map2<[](V a, V b) { return a * b; }>;
  table.div = map2<[](V a, V b) { return a / b; }>;
  table.add_scalar = map_scalar<[](V a, V b) { return a + b; }>;
  table.mul_scalar = map_scalar<[](V a, V b) { return a * b; }>;
  table.axpy = axpy;
  table.exp = map<[](V x) { return exp(x); }>;
  table.log = map<[](V x) { return xsimd::log(x); }>;
  table.sqrt = map<[](V x) { return xsimd::sqrt(x); }>;
  table.relu = map<relu>;
  table.gelu = map<[](V x) { return x * normal_cdf(x); }>;
  table.sigmoid = map<sigmoid>;
  table.tanh = map<[](V x) { return xsimd::tanh(x); }>;
  table.softplus = map<softplus>;
  table.relu_grad = map2<[](V dy, V y) { return xsimd::select(y <= V(0.0F), V(0.0F), dy); }>;
  table.sigmoid_grad = map2<[](V dy, V y) { return dy * y * (V(1.0F) - y); }>;
  table.tanh_grad = map2<[](V dy, V y) { return dy * (V(1.0F) - y * y); }>;
  table.gelu_grad = map2<gelu_grad>;
  if (kFuses) table.normalize_u8 = normalize_u8;  // else a vector would round twice: the reference loop does not
}
