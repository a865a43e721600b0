// Rounding to bfloat16 in AVX2.
#include "tempera/core/bfloat16.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core {
namespace {

#include "bf16_round.ipp"

}  // namespace

void detail::fill_bf16_avx2(Bf16KernelTable& table) noexcept { table.round = round; }

}  // namespace tempera::core
