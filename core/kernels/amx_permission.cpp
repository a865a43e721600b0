#include "tempera/core/kernels/amx_permission.hpp"

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tempera::core::detail {
namespace {

// Bits of edx of CPUID leaf 7; Debian's cpuinfo does not know AMX.
constexpr unsigned kBf16 = 1U << 22, kTiles = 1U << 24, kInt8 = 1U << 25;

// Leaf 7 has the instructions, XCR0 bits 17 and 18 the system's consent.
__attribute__((target("xsave"))) bool present(unsigned instructions) noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return false;
  constexpr unsigned long long kTileState = 0x60000;
  if ((_xgetbv(0) & kTileState) != kTileState) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (d & instructions) == instructions;
}

bool permitted() noexcept {
  static const bool granted = [] {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
}

}  // namespace

bool amx_int8_usable() noexcept { return present(kTiles | kInt8) && permitted(); }
bool amx_bf16_usable() noexcept { return present(kTiles | kBf16) && permitted(); }

}  // namespace tempera::core::detail
