// Reductions, and functions of the rows of a matrix.

// Σ of what `add` puts to a sum for each x: eight vectors of partial sums, as two additions a cycle of three or four
// cycles each are under way at a time.
template <auto add>
float reduce_sum(std::int64_t n, const float* x) noexcept {
  constexpr std::int64_t kSums = 8;
  V sums[kSums];
#pragma GCC unroll 8
  for (std::int64_t s = 0; s < kSums; ++s) sums[s] = V(0.0F);
  std::int64_t i = 0;
  for (; i + kSums * kLanes <= n; i += kSums * kLanes) {
#pragma GCC unroll 8
    for (std::int64_t s = 0; s < kSums; ++s) sums[s] = add(sums[s], V::load_unaligned(x + i + s * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = add(sums[0], V::load_unaligned(x + i));
  if (i < n) sums[1] = add(sums[1], load(x + i, part_of(n - i)));
#pragma GCC unroll 4
  for (std::int64_t s = 0; s < kSums / 2; ++s) sums[s] += sums[s + kSums / 2];
  return total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// The largest value; NaN does not count.
float largest(std::int64_t n, const float* x) noexcept {
  V best(-kInfinity);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) best = xsimd::max(V::load_unaligned(x + i), best);
  if (i < n) best = xsimd::max(load_first(x + i, n - i, -kInfinity), best);
  float lanes[kLanes];
  best.store_unaligned(lanes);
  __m128 four = _mm_loadu_ps(lanes);
  for (std::int64_t l = 4; l < kLanes; l += 4) four = _mm_max_ps(four, _mm_loadu_ps(lanes + l));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

// W vectors of columns at a time, from column c on; the last one may be a part.
template <std::int64_t W>
void column_sums(std::int64_t rows, std::int64_t columns, const float* x, Part last, float* y) noexcept {
  V sums[W];
  const Part whole = part_of(kLanes);
#pragma GCC unroll 4
  for (std::int64_t w = 0; w < W; ++w) sums[w] = load(y + w * kLanes, w == W - 1 ? last : whole);
  for (std::int64_t r = 0; r < rows; ++r, x += columns) {
#pragma GCC unroll 4
    for (std::int64_t w = 0; w < W; ++w) {
      sums[w] += w == W - 1 ? load(x + w * kLanes, last) : V::load_unaligned(x + w * kLanes);
    }
  }
#pragma GCC unroll 4
  for (std::int64_t w = 0; w < W; ++w) store(y + w * kLanes, w == W - 1 ? last : whole, sums[w]);
}

void column_sum(std::int64_t rows, std::int64_t columns, const float* x, float* y) noexcept {
  std::int64_t c = 0;
  for (; c + 4 * kLanes <= columns; c += 4 * kLanes) column_sums<4>(rows, columns, x + c, part_of(kLanes), y + c);
  for (; c < columns; c += kLanes) column_sums<1>(rows, columns, x + c, part_of(columns - c), y + c);
}

// y = exp(x − shift) where y is not null; returns the sum of it.
float exp_row(std::int64_t n, const float* x, float shift, float* y) noexcept {
  const V minus(shift);
  V sum(0.0F);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const V e = exp(V::load_unaligned(x + i) - minus);
    sum += e;
    if (y != nullptr) e.store_unaligned(y + i);
  }
  if (i < n) {
    const V e = exp(load_first(x + i, n - i, -kInfinity) - minus);
    sum += e;  // the lanes outside hold exp(−infinity) = 0
    if (y != nullptr) store(y + i, part_of(n - i), e);
  }
  return total(sum);
}

void softmax(std::int64_t rows, std::int64_t columns, const float* x, float* y) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float sum = exp_row(columns, x, largest(columns, x), y);
    map_scalar<[](V a, V b) { return a * b; }>(columns, y, 1.0F / sum, y);
  }
}

void log_softmax(std::int64_t rows, std::int64_t columns, const float* x, float* y) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float shift = largest(columns, x);
    const float log_sum = __builtin_logf(exp_row(columns, x, shift, nullptr));
    const V minus(shift), minus_too(log_sum);
    std::int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) (V::load_unaligned(x + c) - minus - minus_too).store_unaligned(y + c);
    const Part rest = part_of(columns - c);
    if (c < columns) store(y + c, rest, load(x + c, rest) - minus - minus_too);
  }
}

float dot_product(std::int64_t n, const float* a, const float* b) noexcept {
  V sum(0.0F);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) sum = fma(V::load_unaligned(a + i), V::load_unaligned(b + i), sum);
  const Part rest = part_of(n - i);
  if (i < n) sum = fma(load(a + i, rest), load(b + i, rest), sum);
  return total(sum);
}

void softmax_grad(std::int64_t rows, std::int64_t columns, const float* dy, const float* y, float* dx) noexcept {
  for (std::int64_t r = 0; r < rows; ++r, dy += columns, y += columns, dx += columns) {
    const V dot(dot_product(columns, dy, y));
    std::int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) {
      (V::load_unaligned(y + c) * (V::load_unaligned(dy + c) - dot)).store_unaligned(dx + c);
    }
    const Part rest = part_of(columns - c);
    if (c < columns) store(dx + c, rest, load(y + c, rest) * (load(dy + c, rest) - dot));
  }
}

// y = x·scale − shift
void scale_row(std::int64_t n, float scale, float shift, float* x) noexcept {
  const V by(scale), minus(shift);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) (V::load_unaligned(x + i) * by - minus).store_unaligned(x + i);
  const Part rest = part_of(n - i);
  if (i < n) store(x + i, rest, load(x + i, rest) * by - minus);
}

// −Σ t·log softmax(x) = log Σ exp(x − max) − Σ t·(x − max), since the targets t of a row sum to 1. Without smoothing the
// second sum is one term: the others must not be multiplied by 0, for a logit may be −infinity.
void cross_entropy(std::int64_t rows, std::int64_t columns, const float* x, const std::int32_t* labels, float smoothing,
                   float scale, float* loss, float* grad) noexcept {
  const float background = smoothing / static_cast<float>(columns);
  for (std::int64_t r = 0; r < rows; ++r, x += columns) {
    float* row = grad == nullptr ? nullptr : grad + r * columns;
    const float shift = largest(columns, x);
    const float sum = exp_row(columns, x, shift, row);
    loss[r] = __builtin_logf(sum) - (1 - smoothing) * (x[labels[r]] - shift);
    if (smoothing != 0) {
      const float all = reduce_sum<[](V s, V v) { return s + v; }>(columns, x) - shift * static_cast<float>(columns);
      loss[r] -= background * all;
    }
    if (row == nullptr) continue;
    scale_row(columns, scale / sum, scale * background, row);
    row[labels[r]] -= scale * (1 - smoothing);
  }
}

void fill_rows(KernelTable& table) noexcept {
  table.sum = reduce_sum<[](V s, V v) { return s + v; }>;
  table.sum_squares = reduce_sum<[](V s, V v) { return fma(v, v, s); }>;
  table.column_sum = column_sum;
  table.softmax = softmax;
  table.log_softmax = log_softmax;
  table.softmax_grad = softmax_grad;
  table.cross_entropy = cross_entropy;
}
