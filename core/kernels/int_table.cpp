#include "tempera/core/kernels/int_table.hpp"

#include <array>

#include "tempera/core/integers.hpp"

namespace tempera::core {
namespace {

using FillLevel = void (*)(IntKernelTable&) noexcept;

#ifdef TEMPERA_F64
constexpr std::array<FillLevel, 1> kFillLevels{detail::fill_int_scalar};
#else
// In the order of Isa.
constexpr std::array<FillLevel, 6> kFillLevels{detail::fill_int_scalar,     detail::fill_int_sse42,
                                               detail::fill_int_avx2,       detail::fill_int_avx512,
                                               detail::fill_int_avx512vnni, detail::fill_int_amx};
#endif

}  // namespace

std::int64_t quad_steps(const IntKernelTable& table, std::int64_t segments, std::int64_t steps) noexcept {
  const std::int64_t instructions = ceil_div(steps, table.quad_depth);
  if (segments > 1 && instructions > 0) return round_up(steps, instructions);
  return steps <= table.quad_depth ? steps : round_up(steps, table.quad_depth);
}

const IntKernelTable& int_kernels() {
  static const IntKernelTable& table = int_kernels_of(kernels().level);
  return table;
}

const IntKernelTable& int_kernels_of(Isa level) {
  static const auto tables = [] {
    std::array<IntKernelTable, kFillLevels.size()> all{};
    IntKernelTable best;
    for (const Isa isa : available_isas()) {  // a level's file, even what fills its table, is code for that level
      const auto position = static_cast<std::size_t>(isa);
      kFillLevels[position](best);
      best.level = isa;
      all[position] = best;
    }
    return all;
  }();
  static_cast<void>(kernels_of(level));  // throws if it is not available
  return tables[static_cast<std::size_t>(level)];
}

}  // namespace tempera::core
