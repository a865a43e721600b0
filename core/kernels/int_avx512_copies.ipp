// Runs are short: a call of memcpy for each would take longer than what it copies.
void copy_windows_by_lines(const WindowCopies& w) noexcept {
  constexpr std::int64_t kLine = 64;
  const std::int64_t whole = w.bytes / kLine * kLine;
  const __mmask64 rest = (std::uint64_t{1} << (w.bytes - whole)) - 1;
  for (std::int64_t i = 0; i < w.m; ++i) {
    char* to = static_cast<char*>(w.to) + i * w.to_row;
    for (std::int64_t r = 0; r < w.rows; ++r) {
      const char* from = static_cast<const char*>(w.a[i]) + w.first + r * w.row_step;
      for (std::int64_t c = 0; c < w.columns; ++c, from += w.column_step, to += w.bytes) {
        for (std::int64_t k = 0; k < whole; k += kLine) store(to + k, load(from + k));
        if (rest != 0) _mm512_mask_storeu_epi8(to + whole, rest, _mm512_maskz_loadu_epi8(rest, from + whole));
      }
    }
  }
}
