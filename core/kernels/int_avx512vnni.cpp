// Integer dot products with AVX512-VNNI.
#include <immintrin.h>

#include <cstdint>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

#include "int_avx512_vector.ipp"
#include "int_vnni.ipp"

}  // namespace

void detail::fill_int_avx512vnni(IntKernelTable& table) noexcept { fill_vnni(table); }

}  // namespace tempera::core
