// Integer kernels of a vector level. The file that includes this defines what int_simd_dots.ipp needs, and abs32, minimum,
// maximum, add32, add64, odd (lanes moved down to the even ones), multiply_even (unsigned 32 × 32 → 64), shift_right64 by
// counts, merge (even, odd → lanes), with_sign, store_cells (int16; where requant and quantize are taken for bytes, uint8 too), Divisor (vectors over one number) and quantize_lanes.

#include "int_loops.ipp"
#include "int_simd_dots.ipp"

// Needs kColumns.
#include "int_filters.ipp"

template <class Cell>
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
      const I values = add32(minimum(maximum(q, low), high), offset);
      Cell* y = static_cast<Cell*>(t.y) + i * t.y_row + j;
      if (j + kLanes <= t.n) {
        store_cells(y, values);
      } else {
        Cell rest[kLanes];
        store_cells(rest, values);
        for (std::int64_t l = 0; j + l < t.n; ++l) y[l] = rest[l];
      }
    }
  }
}

template <class Cell>
void quantize(std::int64_t n, const float* x, float scale, float low, float high, std::int32_t offset,
              Cell* y) noexcept {
  const Divisor divided(scale);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_cells(y + i, quantize_lanes(x + i, divided, low, high, offset));
  if (i == n) return;
  float rest[kLanes] = {};
  Cell part[kLanes];
  for (std::int64_t l = 0; i + l < n; ++l) rest[l] = x[i + l];
  store_cells(part, quantize_lanes(rest, divided, low, high, offset));
  for (std::int64_t l = 0; i + l < n; ++l) y[i + l] = part[l];
}

void fill(IntKernelTable& table) noexcept {
  fill_dots(table);
  table.requant = requant<std::int16_t>;
  table.quantize_s16 = quantize<std::int16_t>;
  fill_loops(table);
  fill_filters(table);
}
