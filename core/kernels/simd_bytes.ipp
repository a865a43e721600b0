// Whole numbers times a scale, kept as bytes (core/scaled_bytes.hpp). Vectors of bytes are loaded whole: there are
// kReadBehindBytes behind the last.

bool fake_quant_bytes(std::int64_t n, const FakeQuantGrid& grid, const float* x, std::int8_t* q) noexcept {
  const NearestSteps nearest(grid);
  const V low(grid.low), high(grid.high);
  V::batch_bool_type inside(true);
  const auto clamp = [&](V& step) {
    if (grid.covers) return;
    const V clamped = xsimd::min(high, xsimd::max(low, step));
    inside = inside & (clamped == step);
    step = clamped;
  };
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    V from[4], step[4];
#pragma GCC unroll 4
    for (std::int64_t v = 0; v < 4; ++v) from[v] = V::load_unaligned(x + i + v * kLanes);
    nearest.of(from, step);
#pragma GCC unroll 4
    for (V& value : step) clamp(value);
    store_as_bytes(step, q + i);
  }
  for (; i < n; i += kLanes) {
    const V from[1] = {load(x + i, part_of(n - i))};
    V step[1];
    nearest.of(from, step);
    clamp(step[0]);
    const V four[4] = {step[0], V(0.0F), V(0.0F), V(0.0F)};
    std::int8_t rest[4 * kLanes];
    store_as_bytes(four, rest);
    if (i + kLanes <= n) {
      __builtin_memcpy(q + i, rest, kLanes);
    } else {
      for (std::int64_t l = 0; i + l < n; ++l) q[i + l] = rest[l];
    }
  }
  return xsimd::all(inside);
}

void expand_bytes(std::int64_t n, const std::int8_t* q, float scale, float* y) noexcept {
  const V factor(scale);
  for (std::int64_t i = 0; i < n; i += kLanes) store(y + i, part_of(n - i), load_signed_bytes(q + i) * factor);
}

// Four values of p for kLanes columns: a row's four bytes are one lane.
void pack_byte_columns(std::int64_t count, std::int64_t k, const std::int8_t* q, std::int64_t stride,
                       const float* scales, float* panel) noexcept {
  for (std::int64_t j = 0; j < kTileColumns; j += kLanes) {
    const Part valid = part_of(count > j ? count - j : 0);
    const V scale = load(scales + j, valid);  // 0 where there is no column
    const std::int8_t* rows[kLanes];
    for (std::int64_t l = 0; l < kLanes; ++l) rows[l] = q + (j + l < count ? j + l : count - 1) * stride;
    for (std::int64_t p = 0; p < k; p += 4) {
      V quad[4];
      load_quads(rows, p, quad);
      const std::int64_t depth = k - p < 4 ? k - p : 4;
      for (std::int64_t i = 0; i < depth; ++i) {
        (quad[i] * scale).store_unaligned(panel + (p + i) * kTileColumns + j);
      }
    }
  }
}

void pack_byte_rows(std::int64_t count, std::int64_t k, const std::int8_t* q, std::int64_t stride, const float* scales,
                    float* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p) {
    const V scale(scales[p]);
    for (std::int64_t j = 0; j < kTileColumns; j += kLanes) {
      const V values = load_signed_bytes(q + p * stride + (j < count ? j : 0)) * scale;
      float* to = panel + p * kTileColumns + j;
      if (j + kLanes <= count) {
        values.store_unaligned(to);
      } else {
        V(0.0F).store_unaligned(to);
        store(to, part_of(count > j ? count - j : 0), values);
      }
    }
  }
}

void fill_bytes(KernelTable& table) noexcept {
  table.fake_quant_bytes = fake_quant_bytes;
  table.expand_bytes = expand_bytes;
  table.gemm_pack_byte_rows = pack_byte_rows;
  table.gemm_pack_byte_columns = pack_byte_columns;
}
