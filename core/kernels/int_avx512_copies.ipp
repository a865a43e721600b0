// Runs are short: a call of memcpy for each would take longer than what it copies.
void copy_windows_by_lines(const WindowCopies& w) noexcept {
  constexpr std::int64_t kLine = 64;
  const std::int64_t whole = w.bytes / kLine * kLine;
  const __mmask64 rest = (std::uint64_t{1} << (w.bytes - whole)) - 1;
  each_run(w, [=](char* to, const char* from) {
    for (std::int64_t k = 0; k < whole; k += kLine) store(to + k, load(from + k));
    if (rest != 0) _mm512_mask_storeu_epi8(to + whole, rest, _mm512_maskz_loadu_epi8(rest, from + whole));
  });
}
