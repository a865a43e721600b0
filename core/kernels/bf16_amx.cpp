// Products of bfloat16 with AMX tiles (tdpbf16ps). Its arithmetic is fixed: fused multiply-adds rounded to nearest even,
// subnormal operands taken as zero and subnormal sums flushed.
#include <immintrin.h>

#include "tempera/core/bfloat16.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core {
namespace {

#include "amx_tiles.ipp"

struct Tiles : TileMemory {
  template <int C, int A, int B>
  static void dot() noexcept {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
  }
};

#include "bf16_pack.ipp"

#include "bf16_amx.ipp"

}  // namespace

void detail::fill_bf16_amx(Bf16KernelTable& table) noexcept {
  table.instructions = "AMX-BF16";
  table.depth = kTileBytes / 4;
  table.pack_a = pack_a;
  table.pack_b = pack_b;
  table.strip = strip;
}

}  // namespace tempera::core
