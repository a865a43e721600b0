// What this processor executes natively, and what tempera makes of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tempera::cli {

/// How one number format fares on this processor, at the level in use.
struct FormatSupport {
  std::string format;   ///< "fp32", "fp16", "bf16", "int8", "int4", "1-bit"
  bool native = false;  ///< the level has arithmetic for it, not only conversions
  std::string by;       ///< the instructions that do it, or how it is emulated
  std::string kernel;   ///< what tempera runs for it today
};

struct Hardware {
  std::string processor;
  int cores = 0;                         ///< this process may run on
  std::int64_t memory = 0;               ///< bytes of physical memory
  std::int64_t l1d = 0, l2 = 0, l3 = 0;  ///< bytes; 0 if unknown
  std::vector<std::string> features;     ///< "avx2", "fma3", "avx512f", "amx_int8"…
  std::vector<std::string> levels;       ///< instruction levels available to TEMPERA_ISA
  std::string level;                     ///< the one in use
  std::vector<FormatSupport> formats;
};

[[nodiscard]] Hardware inspect_hardware();

}  // namespace tempera::cli
