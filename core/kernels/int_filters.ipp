// Minimal filtering (Winograd 1980; Toom and Cook's algorithm) in integers: included by every level's file.
//
// Four outputs of a filter g of three or five taps over six or eight inputs d are A·((G g) ⊙ (B d)) / D. B, G and A come
// from interpolation at the points 0, ±1, ±2 and infinity, for five taps also at ±1/2, each row scaled to integers:
// nothing is rounded, so the result is the filter's own, bit for bit. Weights are multiplied by G when an engine is
// made (quant/engine/minimal_filter.cpp); here are B, A and the division by D, 24² for three taps in two dimensions and
// 360 for five in one. What is divided is D·y modulo 2^32; the odd part of D goes by its inverse modulo 2^32, which is
// exact, and the power of two by a shift, for which D's power of two times y has to fit int32: |y| < 2^25 and < 2^28.

// `Lanes` neighbours, which the compiler turns into as many vectors as the level needs. Unsigned, because sums may wrap.
template <class T, int Lanes>
struct Wide {
  typedef T Vector __attribute__((vector_size(sizeof(T) * Lanes)));
  static void load(const void* x, Vector& v) noexcept { __builtin_memcpy(&v, x, sizeof v); }
  static void store(void* y, const Vector& v) noexcept { __builtin_memcpy(y, &v, sizeof v); }
};

struct ThreeTaps {
  static constexpr int kInputs = 6;
  template <class V>
  static void inputs(const V (&x)[6], V (&y)[6]) noexcept {
    const V even = x[4] - 4 * x[2], odd = x[3] - 4 * x[1], outer = x[4] - x[2], twice = 2 * (x[3] - x[1]);
    y[0] = 4 * (x[0] - x[2]) + outer;
    y[1] = even + odd;
    y[2] = even - odd;
    y[3] = outer + twice;
    y[4] = outer - twice;
    y[5] = 4 * (x[1] - x[3]) + (x[5] - x[3]);
  }
  template <class V>
  static void outputs(const V (&x)[6], V (&y)[4]) noexcept {
    const V ones = x[1] + x[2], differences = x[1] - x[2], twos = x[3] + x[4], doubled = 2 * (x[3] - x[4]);
    y[0] = x[0] + ones + twos;
    y[1] = differences + doubled;
    y[2] = ones + 4 * twos;
    y[3] = differences + 4 * doubled + 3 * x[5];
  }
};

struct FiveTaps {
  static constexpr int kInputs = 8;
  template <class V>
  static void inputs(const V (&x)[8], V (&y)[8]) noexcept {
    y[0] = 4 * (x[6] - x[0]) + 21 * (x[2] - x[4]);
    y[7] = 4 * (x[7] - x[1]) + 21 * (x[3] - x[5]);
    const V even1 = 4 * (x[2] + x[6]) - 17 * x[4], odd1 = 4 * (x[1] + x[5]) - 17 * x[3];
    y[1] = even1 + odd1;
    y[2] = even1 - odd1;
    const V even2 = x[2] - 5 * x[4] + 4 * x[6], odd2 = 2 * x[1] - 10 * x[3] + 8 * x[5];
    y[3] = even2 + odd2;
    y[4] = even2 - odd2;
    const V even3 = 8 * x[2] - 10 * x[4] + 2 * x[6], odd3 = 4 * x[1] - 5 * x[3] + x[5];
    y[5] = even3 + odd3;
    y[6] = even3 - odd3;
  }
  template <class V>
  static void outputs(const V (&x)[8], V (&y)[4]) noexcept {
    const V sum1 = x[1] + x[2], sum2 = x[3] + x[4], sum3 = x[5] + x[6];
    const V difference1 = x[1] - x[2], difference2 = x[3] - x[4], difference3 = x[5] - x[6];
    y[0] = x[0] + sum1 + sum2 + 8 * sum3;
    y[1] = difference1 + 2 * difference2 + 4 * difference3;
    y[2] = sum1 + 4 * sum2 + 2 * sum3;
    y[3] = difference1 + 8 * difference2 + difference3 + x[7];
  }
};

template <class Taps, int Lanes>
[[gnu::always_inline]] inline void filter_inputs_at(const std::int16_t* x, std::int64_t x_step, std::int16_t* y,
                                                    std::int64_t y_step) noexcept {
  using Values = Wide<std::uint16_t, Lanes>;
  typename Values::Vector in[Taps::kInputs], out[Taps::kInputs];
#pragma GCC unroll 8
  for (int i = 0; i < Taps::kInputs; ++i) Values::load(x + i * x_step, in[i]);
  Taps::inputs(in, out);
#pragma GCC unroll 8
  for (int i = 0; i < Taps::kInputs; ++i) Values::store(y + i * y_step, out[i]);
}

constexpr int kInputLanes = kColumns < 16 ? 8 : 16;

template <class Taps>
void filter_inputs(const FilterInputs& f) noexcept {
  const std::int64_t width = f.width, x_step = f.x_step, y_step = f.y_step;
  const std::int16_t* x = f.x;
  std::int16_t* y = f.y;
  for (std::int64_t r = f.runs; r > 0; --r, x += f.x_run, y += f.y_run) {
    std::int64_t c = 0;
    for (; c + kInputLanes <= width; c += kInputLanes)
      filter_inputs_at<Taps, kInputLanes>(x + c, x_step, y + c, y_step);
    for (; c + 4 <= width; c += 4) filter_inputs_at<Taps, 4>(x + c, x_step, y + c, y_step);
    for (; c < width; ++c) filter_inputs_at<Taps, 1>(x + c, x_step, y + c, y_step);
  }
}

constexpr std::uint32_t inverse_of(std::uint32_t odd) noexcept {
  std::uint32_t inverse = odd;  // right in the last three bits; a step doubles them
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

// y / (Odd · 2^Shift), which is whole.
template <std::uint32_t Odd, int Shift, int Lanes>
void store_quotient(std::int32_t* y, const typename Wide<std::uint32_t, Lanes>::Vector& x) noexcept {
  using Signed = typename Wide<std::int32_t, Lanes>::Vector;
  const auto whole = x * inverse_of(Odd);
  Signed quotient;
  __builtin_memcpy(&quotient, &whole, sizeof quotient);
  quotient >>= Shift;
  Wide<std::int32_t, Lanes>::store(y, quotient);
}

constexpr int kSums = kColumns < 16 ? 4 : 8;  // at a time

void filter_outputs_three(const FilterOutputs& f) noexcept {
  using Sums = Wide<std::uint32_t, kSums>;
  for (std::int64_t t = 0; t < f.tiles; ++t) {
    for (std::int64_t c = 0; c < kColumns; c += kSums) {
      const std::int32_t* x = f.x + t * kColumns + c;
      Sums::Vector half[4][6];
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        Sums::Vector in[6], out[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) Sums::load(x + i * f.x_line + j * f.x_step, in[i]);
        ThreeTaps::outputs(in, out);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) half[i][j] = out[i];
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        Sums::Vector out[4];
        ThreeTaps::outputs(half[i], out);
        std::int32_t* y = f.y + t * f.y_tile + i * f.y_line + c;
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) store_quotient<9, 6, kSums>(y + j * f.y_step, out[j]);
      }
    }
  }
}

void filter_outputs_five(const FilterOutputs& f) noexcept {
  using Sums = Wide<std::uint32_t, kSums>;
  for (std::int64_t t = 0; t < f.tiles; ++t) {
    for (std::int64_t c = 0; c < kColumns; c += kSums) {
      const std::int32_t* x = f.x + t * kColumns + c;
      Sums::Vector in[8], out[4];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) Sums::load(x + i * f.x_step, in[i]);
      FiveTaps::outputs(in, out);
      std::int32_t* y = f.y + t * f.y_tile + c;
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) store_quotient<45, 3, kSums>(y + j * f.y_step, out[j]);
    }
  }
}

void pool_sums(const PooledSums& p) noexcept {
  using Sums = Wide<std::int32_t, kSums>;
  for (std::int64_t o = 0; o < p.count; ++o) {
    for (std::int64_t c = 0; c < kColumns; c += kSums) {
      Sums::Vector v[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) Sums::load(p.x + (2 * o + i % 2) * kColumns + i / 2 * p.x_row + c, v[i]);
      const Sums::Vector upper = v[0] > v[1] ? v[0] : v[1], lower = v[2] > v[3] ? v[2] : v[3];
      Sums::store(p.y + o * kColumns + c, upper > lower ? upper : lower);
    }
  }
}

void fill_filters(IntKernelTable& table) noexcept {
  table.filter_inputs[static_cast<int>(MinimalFilter::kThree)] = filter_inputs<ThreeTaps>;
  table.filter_inputs[static_cast<int>(MinimalFilter::kFive)] = filter_inputs<FiveTaps>;
  table.filter_outputs[static_cast<int>(MinimalFilter::kThree)] = filter_outputs_three;
  table.filter_outputs[static_cast<int>(MinimalFilter::kFive)] = filter_outputs_five;
  table.pool_sums = pool_sums;
}
