// Integer dot products with AVX512-VNNI.
#include <immintrin.h>

#include <cstdint>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

#include "avx512_divisor.ipp"

// Needs Divisor.
#include "int_avx512_vector.ipp"
#include "int_vnni.ipp"

// Needs load, store and each_run.
#include "int_avx512_copies.ipp"

}  // namespace

void detail::fill_int_avx512vnni(IntKernelTable& table) noexcept {
  fill_vnni(table);
  table.copy_windows = copy_windows_by_lines;
}

}  // namespace tempera::core
