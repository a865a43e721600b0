#include "tempera/core/kernels/bf16_table.hpp"

#include <cpuinfo.h>

#include <array>
#include <vector>

#include "tempera/core/kernels/amx_permission.hpp"

namespace tempera::core {
namespace {

struct Fill {
  Isa level;            // the lowest that takes it
  bool (*supported)();  // what it needs besides
  void (*fill)(Bf16KernelTable&) noexcept;
};

constexpr bool always() { return true; }

// In rising order: the last one that fits has the word.
#ifdef TEMPERA_F64
constexpr std::array<Fill, 1> kFills{{{Isa::kScalar, always, detail::fill_bf16_scalar}}};
#else
constexpr std::array<Fill, 6> kFills{{{Isa::kScalar, always, detail::fill_bf16_scalar},
                                      {Isa::kSse42, always, detail::fill_bf16_sse42},
                                      {Isa::kAvx2, always, detail::fill_bf16_avx2},
                                      {Isa::kAvx512, always, detail::fill_bf16_avx512},
                                      {Isa::kAvx512, cpuinfo_has_x86_avx512bf16, detail::fill_bf16_avx512bf16},
                                      {Isa::kAmx, detail::amx_bf16_usable, detail::fill_bf16_amx}}};
#endif

Bf16KernelTable make_table(Isa level) {
  Bf16KernelTable table;
  for (const Fill& f : kFills) {
    if (f.level <= level && f.supported()) f.fill(table);
  }
  table.level = level;
  return table;
}

}  // namespace

const Bf16KernelTable& bf16_kernels() {
  static const Bf16KernelTable& table = bf16_kernels_of(kernels().level);
  return table;
}

const Bf16KernelTable& bf16_kernels_of(Isa level) {
  static const auto tables = [] {
    std::vector<Bf16KernelTable> all(static_cast<std::size_t>(Isa::kAmx) + 1);
    // Only for levels that are there: a level's file, even what fills its table, is code for that level.
    for (const Isa isa : available_isas()) all[static_cast<std::size_t>(isa)] = make_table(isa);
    return all;
  }();
  static_cast<void>(kernels_of(level));  // throws if it is not available
  return tables[static_cast<std::size_t>(level)];
}

}  // namespace tempera::core
