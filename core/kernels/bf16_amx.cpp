// Products of bfloat16 with AMX tiles (tdpbf16ps). Its arithmetic is fixed: fused multiply-adds rounded to nearest even,
// subnormal operands taken as zero and subnormal sums flushed.
#include <immintrin.h>

#include "tempera/core/bfloat16.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core {
namespace {

// In assembly because GCC's macros take the tile's number only as it is written, and its _tile_loadconfig claims to read eight
// bytes, so that stores of the other shapes may be left out.
struct Tiles {
  static void configure(const void* shapes) noexcept { asm volatile("ldtilecfg (%0)" ::"r"(shapes) : "memory"); }
  static void release() noexcept { _tile_release(); }
  template <int Tile>
  static void zero() noexcept {
    asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
  }
  template <int Tile>
  static void load(const void* x, std::int64_t stride) noexcept {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(x), "r"(stride), "i"(Tile) : "memory");
  }
  template <int Tile>
  static void store(void* y, std::int64_t stride) noexcept {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(y), "r"(stride), "i"(Tile) : "memory");
  }
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
