// Integer kernels in AVX-512 without VNNI: sixteen int32 a vector.
#include <immintrin.h>

#include <cstdint>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

#include "avx512_divisor.ipp"

// Needs Divisor.
#include "int_avx512_vector.ipp"

I dot_pair(I sum, I a, I b) noexcept { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
#include "int_simd.ipp"

// Needs load, store and each_run.
#include "int_avx512_copies.ipp"

}  // namespace

void detail::fill_int_avx512(IntKernelTable& table) noexcept {
  fill(table);
  table.copy_windows = copy_windows_by_lines;
}

}  // namespace tempera::core
