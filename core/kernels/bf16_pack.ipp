// Operands of products of bfloat16, rounded and put in pairs along k. An operand is contiguous either along k, and then
// its pairs are neighbours, or across, and then a pair comes from two rows. What lies in the wrong order is transposed in
// blocks of 16 × 16 words, one vector a row. Written in the compiler's vectors, so that tests run it on any processor.

constexpr std::int64_t kBlock = 16;

// Both see the same memory as other types. What they look at is declared as words and never as vectors: copying a
// struct of vectors is no access by a type that may alias, and GCC 12 moves writes of words past it.
using Words = std::uint32_t __attribute__((vector_size(64), may_alias));
using Half = std::uint16_t __attribute__((may_alias));

struct Block {
  alignas(64) std::uint32_t rows[kBlock][kBlock];
};

std::int64_t least(std::int64_t a, std::int64_t b) noexcept { return a < b ? a : b; }

std::uint32_t pair_of(float first, float second) noexcept {
  return bf16_bits(first) | static_cast<std::uint32_t>(bf16_bits(second)) << 16;
}

// Four times over, the first half of the rows is interleaved with the second, word by word.
void transpose(Block& block) noexcept {
  Words rows[kBlock];
#pragma GCC unroll 16
  for (std::int64_t i = 0; i < kBlock; ++i) rows[i] = *reinterpret_cast<const Words*>(block.rows[i]);
#pragma GCC unroll 4
  for (int stage = 0; stage < 4; ++stage) {
    Words next[kBlock];
#pragma GCC unroll 8
    for (std::int64_t i = 0; i < kBlock / 2; ++i) {
      const Words a = rows[i], b = rows[i + kBlock / 2];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
#pragma GCC unroll 16
    for (std::int64_t i = 0; i < kBlock; ++i) rows[i] = next[i];
  }
#pragma GCC unroll 16
  for (std::int64_t i = 0; i < kBlock; ++i) *reinterpret_cast<Words*>(block.rows[i]) = rows[i];
}

// `words` words of the k values from x on, which are neighbours in pairs already; what is left is 0.
void pairs_along(std::int64_t k, std::int64_t words, const float* x, std::uint32_t* out) noexcept {
  auto* halves = reinterpret_cast<Half*>(out);
  for (std::int64_t p = 0; p < k; ++p) halves[p] = bf16_bits(x[p]);
  for (std::int64_t p = k; p < 2 * words; ++p) halves[p] = 0;
}

// Word i of row q pairs x[2q·stride + i] with the value one stride on; `width` words are written, those from `count` on 0.
void pairs_across(std::int64_t k, std::int64_t q, std::int64_t count, std::int64_t width, const float* x,
                  std::int64_t stride, std::uint32_t* out) noexcept {
  const float* first = x + 2 * q * stride;
  const float* second = first + stride;
  if (2 * q >= k) count = 0;
  if (2 * q + 1 < k) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = pair_of(first[i], second[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i] = pair_of(first[i], 0);
  }
  for (std::int64_t i = count; i < width; ++i) out[i] = 0;
}

void pack_a(std::int64_t m, std::int64_t k, std::int64_t words, const float* a, std::int64_t row, std::int64_t column,
            std::uint32_t* out) noexcept {
  if (column == 1) {
    for (std::int64_t i = 0; i < m; ++i) pairs_along(k, words, a + i * row, out + i * words);
    return;
  }
  Block block;
  for (std::int64_t i = 0; i < m; i += kBlock) {
    const std::int64_t rows = least(kBlock, m - i);
    for (std::int64_t q = 0; q < words; q += kBlock) {
      for (std::int64_t r = 0; r < kBlock; ++r) pairs_across(k, q + r, rows, kBlock, a + i, column, block.rows[r]);
      transpose(block);
      const auto bytes = 4 * static_cast<unsigned long>(least(kBlock, words - q));
      for (std::int64_t r = 0; r < rows; ++r) __builtin_memcpy(out + (i + r) * words + q, block.rows[r], bytes);
    }
  }
}

void pack_b(std::int64_t n, std::int64_t k, std::int64_t words, const float* b, std::int64_t row, std::int64_t column,
            std::uint32_t* panel) noexcept {
  if (column == 1) {
    for (std::int64_t q = 0; q < words; ++q) {
      pairs_across(k, q, n, kBf16Columns, b, row, panel + q * kBf16Columns);
    }
    return;
  }
  Block block;
  for (std::int64_t j = 0; j < kBf16Columns; j += kBlock) {
    for (std::int64_t q = 0; q < words; q += kBlock) {
      const std::int64_t wide = least(kBlock, words - q);
      const std::int64_t values = least(2 * kBlock, k - 2 * q);  // may be negative, of words that only fill up
      for (std::int64_t r = 0; r < kBlock; ++r) {
        const bool there = j + r < n && values > 0;
        pairs_along(there ? values : 0, kBlock, there ? b + (j + r) * column + 2 * q : b, block.rows[r]);
      }
      transpose(block);
      for (std::int64_t r = 0; r < wide; ++r) {
        __builtin_memcpy(panel + (q + r) * kBf16Columns + j, block.rows[r], 4 * kBlock);
      }
    }
  }
}

// Adds what is asked for to the sums of `rows` rows from `first` on, [rows][kBf16Columns], and puts them where they belong.
void finish(const Bf16Strip& s, std::int64_t first, std::int64_t rows, float* sums) noexcept {
  for (std::int64_t i = 0; i < rows; ++i, sums += kBf16Columns) {
    float* c = s.c + (first + i) * s.c_row;
    if (s.accumulate) {
      for (std::int64_t j = 0; j < s.n; ++j) sums[j] += c[j];
    }
    if (s.column_bias != nullptr) {
      for (std::int64_t j = 0; j < s.n; ++j) sums[j] += s.column_bias[j];
    }
    if (s.row_bias != nullptr) {
      for (std::int64_t j = 0; j < s.n; ++j) sums[j] += s.row_bias[first + i];
    }
    if (s.relu) {
      for (std::int64_t j = 0; j < s.n; ++j) sums[j] = sums[j] < 0 ? 0.0F : sums[j];
    }
    for (std::int64_t j = 0; j < s.n; ++j) c[j] = sums[j];
  }
}
