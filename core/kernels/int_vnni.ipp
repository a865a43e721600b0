// What VNNI adds to int_avx512_vector.ipp: products and sum in one instruction, for pairs of int16 and for four bytes, and
// values as those bytes.

I dot_pair(I sum, I a, I b) noexcept { return _mm512_dpwssd_epi32(sum, a, b); }
void store_cells(std::uint8_t* y, I x) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm512_cvtepi32_epi8(x));
}

#include "int_simd.ipp"

struct Quads {
  static constexpr std::int64_t kBytes = 4;
  static I weights(const char* x) noexcept { return load(x); }
  static I dot(I sum, I a, I b) noexcept { return _mm512_dpbusd_epi32(sum, a, b); }
};

void dot_quads(const DotTile& t) noexcept {
  DotTile one = t;
  one.panels = 1;
  for (std::int64_t left = t.panels; left > 0; --left) {
    one.n = left > 1 ? kColumns : t.n;
    dot<Quads>(one);
    one.panel = static_cast<const char*>(one.panel) + t.panel_bytes;
    one.bias += kColumns;
    one.c += t.c_panel == 0 ? t.m * (t.c_row == 0 ? kColumns : t.c_row) : t.c_panel;
  }
}

void fill_vnni(IntKernelTable& table) noexcept {
  fill(table);
  table.quad_rows = kTileRows;
  table.quad_gain = 2;
  table.dot_quads = dot_quads;
  table.requant_u8 = requant<std::uint8_t>;
  table.quantize_u8 = quantize<std::uint8_t>;
}
