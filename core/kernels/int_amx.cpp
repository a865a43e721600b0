// Integer dot products with AMX tiles.
#include <immintrin.h>

#include <cstdint>

#include "tempera/core/kernels/int_table.hpp"

namespace tempera::core {
namespace {

#include "amx_tiles.ipp"

struct Tiles : TileMemory {
  template <int C, int A, int B>
  static void dot() noexcept {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
  }
};

#include "int_amx.ipp"

}  // namespace

void detail::fill_int_amx(IntKernelTable& table) noexcept {
  table.quad_rows = kBlockRows;
  table.quad_depth = kMostSteps;
  table.quad_gain = 16;
  table.dot_quads = dot_quads;
}

}  // namespace tempera::core
