// Integer kernels that a compiler vectorises well by itself: included by every level's file, compiled with its flags.

void narrow_u8(std::int64_t n, const std::int16_t* x, std::int32_t shift, std::uint8_t* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<std::uint8_t>(x[i] + shift);
}

void widen_u8(std::int64_t n, const std::uint8_t* x, std::int32_t shift, std::int16_t* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<std::int16_t>(x[i] + shift);
}

std::int16_t larger(std::int16_t a, std::int16_t b) noexcept { return a > b ? a : b; }

void max_windows(const ChannelWindows& w, std::int16_t* y) noexcept {
  for (std::int64_t o = 0; o < w.count; ++o) {
    const std::int16_t* x = w.x + o * w.step;
    std::int16_t* out = y + o * w.channels;
    if (w.cells == 4) {
      const std::int16_t *p = x + w.offsets[0], *q = x + w.offsets[1], *r = x + w.offsets[2], *s = x + w.offsets[3];
      for (std::int64_t c = 0; c < w.channels; ++c) out[c] = larger(larger(p[c], q[c]), larger(r[c], s[c]));
      continue;
    }
    for (std::int64_t c = 0; c < w.channels; ++c) out[c] = x[w.offsets[0] + c];
    for (std::int64_t k = 1; k < w.cells; ++k) {
      const std::int16_t* p = x + w.offsets[k];
      for (std::int64_t c = 0; c < w.channels; ++c) out[c] = larger(out[c], p[c]);
    }
  }
}

void dot_windows(const ChannelWindows& w, const std::int16_t* weight, const std::int32_t* bias,
                 std::int32_t* y) noexcept {
  for (std::int64_t o = 0; o < w.count; ++o) {
    // Unsigned, because sums wrap.
    auto* out = reinterpret_cast<std::uint32_t*>(y + o * w.channels);
    for (std::int64_t c = 0; c < w.channels; ++c) out[c] = static_cast<std::uint32_t>(bias[c]);
    for (std::int64_t k = 0; k < w.cells; ++k) {
      const std::int16_t *x = w.x + o * w.step + w.offsets[k], *row = weight + k * w.channels;
      for (std::int64_t c = 0; c < w.channels; ++c) out[c] += static_cast<std::uint32_t>(std::int32_t{x[c]} * row[c]);
    }
  }
}

// copy(to, from) for every run of the windows.
template <class Copy>
void each_run(const WindowCopies& w, const Copy& copy) noexcept {
  for (std::int64_t i = 0; i < w.m; ++i) {
    char* to = static_cast<char*>(w.to) + i * w.to_row;
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const char* from = static_cast<const char*>(w.a[i]) + w.first + r * w.row_step;
      for (std::int64_t c = 0; c < w.columns; ++c, from += w.column_step, to += w.bytes) copy(to, from);
    }
  }
}

void copy_windows(const WindowCopies& w) noexcept {
  each_run(w, [&](char* to, const char* from) { __builtin_memcpy(to, from, static_cast<unsigned long>(w.bytes)); });
}

void wide_sums(const WideSums& s) noexcept {
  for (std::int64_t i = 0; i < s.m; ++i) {
    const std::int32_t* c = s.c + i * s.c_row;
    std::int32_t* y = s.y + i * s.y_row;
    for (std::int64_t j = 0; j < s.n; ++j) {
      y[j] = static_cast<std::int32_t>(static_cast<std::uint32_t>(c[j]) - static_cast<std::uint32_t>(s.offset));
    }
  }
}

void fill_loops(IntKernelTable& table) noexcept {
  table.wide_sums = wide_sums;
  table.copy_windows = copy_windows;
  table.narrow_u8 = narrow_u8;
  table.widen_u8 = widen_u8;
  table.max_windows = max_windows;
  table.dot_windows = dot_windows;
}
