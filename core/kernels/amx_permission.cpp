#include "tempera/core/kernels/amx_permission.hpp"

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tempera::core::detail {
namespace {

// Debian's cpuinfo does not know AMX: leaf 7 has tiles (edx 24) and int8 (edx 25), XCR0 bits 17 and 18 the system's consent.
__attribute__((target("xsave"))) bool present() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return false;
  constexpr unsigned long long kTileState = 0x60000;
  if ((_xgetbv(0) & kTileState) != kTileState) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  constexpr unsigned kTilesAndInt8 = 3U << 24;
  return (d & kTilesAndInt8) == kTilesAndInt8;
}

}  // namespace

bool amx_int8_usable() noexcept {
  static const bool usable = [] {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return present() && ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return usable;
}

}  // namespace tempera::core::detail
