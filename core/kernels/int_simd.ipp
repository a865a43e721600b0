// Integer kernels of a vector level. The file that includes this defines what int_simd_dots.ipp needs, and abs32, minimum,
// maximum, add32, add64, odd (lanes moved down to the even ones), multiply_even (unsigned 32 × 32 → 64), shift_right64 by
// counts, merge (even, odd → lanes), with_sign, store_s16, Divisor (vectors over one number) and quantize_lanes.

#include "int_loops.ipp"
#include "int_simd_dots.ipp"

// Needs kColumns.
#include "int_filters.ipp"

void requant(const RequantTile& t) noexcept {
  const I low = broadcast(t.low), high = broadcast(t.high), offset = broadcast(t.offset);
  for (std::int64_t j = 0; j < t.n; j += kLanes) {
    const I multiplier = load(t.multiplier + j), multiplier_odd = odd(multiplier);
    const I half_even = load(t.half_even + j / 2), half_odd = load(t.half_odd + j / 2);
    const I count_even = load(t.count_even + j / 2), count_odd = load(t.count_odd + j / 2);
    for (std::int64_t i = 0; i < t.m; ++i) {
      const I c = load(t.c + i * t.c_row + j);
      const I magnitude = abs32(c);
      const I even_product = add64(multiply_even(magnitude, multiplier), half_even);
      const I odd_product = add64(multiply_even(odd(magnitude), multiplier_odd), half_odd);
      const I q = with_sign(merge(shift_right64(even_product, count_even), shift_right64(odd_product, count_odd)), c);
      const I y = add32(minimum(maximum(q, low), high), offset);
      if (j + kLanes <= t.n) {
        store_s16(t.y + i * t.y_row + j, y);
      } else {
        std::int16_t rest[kLanes];
        store_s16(rest, y);
        for (std::int64_t l = 0; j + l < t.n; ++l) t.y[i * t.y_row + j + l] = rest[l];
      }
    }
  }
}

void quantize_s16(std::int64_t n, const float* x, float scale, float low, float high, std::int32_t offset,
                  std::int16_t* y) noexcept {
  const Divisor divided(scale);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_s16(y + i, quantize_lanes(x + i, divided, low, high, offset));
  if (i == n) return;
  float rest[kLanes] = {};
  std::int16_t part[kLanes];
  for (std::int64_t l = 0; i + l < n; ++l) rest[l] = x[i + l];
  store_s16(part, quantize_lanes(rest, divided, low, high, offset));
  for (std::int64_t l = 0; i + l < n; ++l) y[i + l] = part[l];
}

void fill(IntKernelTable& table) noexcept {
  fill_dots(table);
  table.requant = requant;
  table.quantize_s16 = quantize_s16;
  fill_loops(table);
  fill_filters(table);
}
