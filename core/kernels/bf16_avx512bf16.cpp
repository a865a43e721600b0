// Products of bfloat16 with AVX512-BF16 (vdpbf16ps). Its arithmetic is fixed: fused multiply-adds rounded to nearest even,
// subnormal operands taken as zero and subnormal sums flushed.
#include <immintrin.h>

#include "tempera/core/bfloat16.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core {
namespace {

struct Pairs {
  using Sum = __m512;
  using Vector = __m512i;
  static Sum zero() noexcept { return _mm512_setzero_ps(); }
  static Vector load(const std::uint32_t* x) noexcept { return _mm512_loadu_si512(x); }
  static Vector broadcast(const std::uint32_t* x) noexcept { return _mm512_set1_epi32(static_cast<int>(*x)); }
  static Sum dot(Sum sum, Vector a, Vector b) noexcept {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
  static void store(float* y, Sum x) noexcept { _mm512_store_ps(y, x); }
};

#include "bf16_pack.ipp"

#include "bf16_dot.ipp"

}  // namespace

void detail::fill_bf16_avx512bf16(Bf16KernelTable& table) noexcept {
  table.instructions = "AVX512-BF16";
  table.depth = 1;
  table.pack_a = pack_a;
  table.pack_b = pack_b;
  table.strip = strip;
}

}  // namespace tempera::core
