#include "tempera/core/kernels/table.hpp"

#include <cpuinfo.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/amx_permission.hpp"
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core {
namespace {

using Fill = void (*)(KernelTable&);

struct Level {
  Isa isa;
  std::string_view name;
  Fill fill;  // null where this build has no kernels for it
  bool (*supported)();
};

// The vector levels hold floats; in double precision they are not built, and nothing refers to them.
constexpr Fill in_single_precision(Fill fill) { return sizeof(Scalar) == sizeof(float) ? fill : nullptr; }

bool has_avx512() {
  return cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512dq() && cpuinfo_has_x86_avx512bw() &&
         cpuinfo_has_x86_avx512vl();
}
bool has_vnni() { return has_avx512() && cpuinfo_has_x86_avx512vnni(); }

// Levels that have no float kernels of their own.
void fill_nothing(KernelTable&) {}

constexpr std::array kLevels{
    Level{Isa::kScalar, "scalar", detail::fill_scalar, [] { return true; }},
    Level{Isa::kSse42, "sse42", in_single_precision(detail::fill_sse42), [] { return cpuinfo_has_x86_sse4_2(); }},
    Level{Isa::kAvx2, "avx2", in_single_precision(detail::fill_avx2),
          [] { return cpuinfo_has_x86_avx2() && cpuinfo_has_x86_fma3(); }},
    Level{Isa::kAvx512, "avx512", in_single_precision(detail::fill_avx512), has_avx512},
    Level{Isa::kAvx512Vnni, "avx512vnni", in_single_precision(fill_nothing), has_vnni},
    Level{Isa::kAmx, "amx", in_single_precision(fill_nothing), [] { return has_vnni() && detail::amx_int8_usable(); }},
};

const Level& level_of(Isa isa) { return kLevels[static_cast<std::size_t>(isa)]; }

bool usable(const Level& level) { return level.fill != nullptr && cpuinfo_initialize() && level.supported(); }

std::string names(const std::vector<Isa>& levels) {
  std::vector<std::string_view> list;
  list.reserve(levels.size());
  for (const Isa level : levels) list.push_back(isa_name(level));
  return fmt::format("{}", fmt::join(list, ", "));
}

[[noreturn]] void refuse(const std::string& what, const std::string& rule) {
  throw UnsupportedError(what, fmt::format("{}; this program on this processor has {}", rule, names(available_isas())));
}

KernelTable make_table(Isa isa) {
  KernelTable table{};
  for (const Level& level : kLevels) {
    if (level.isa <= isa && usable(level)) level.fill(table);
  }
  table.level = isa;
  return table;
}

Isa chosen_level() {
  const char* forced = std::getenv("TEMPERA_ISA");
  if (forced == nullptr) return available_isas().back();
  const auto* level = std::ranges::find(kLevels, std::string_view(forced), &Level::name);
  if (level == kLevels.end()) refuse(fmt::format("TEMPERA_ISA={}", forced), "unknown instruction level");
  if (!usable(*level)) refuse(fmt::format("TEMPERA_ISA={}", forced), "instruction level not available");
  return level->isa;
}

}  // namespace

std::string_view isa_name(Isa level) noexcept { return kLevels[static_cast<std::size_t>(level)].name; }

std::vector<Isa> available_isas() {
  std::vector<Isa> levels;
  for (const Level& level : kLevels) {
    if (usable(level)) levels.push_back(level.isa);
  }
  return levels;
}

const KernelTable& kernels() {
  static const KernelTable& table = kernels_of(chosen_level());
  return table;
}

const KernelTable& kernels_of(Isa level) {
  static const auto tables = [] {
    std::array<KernelTable, kLevels.size()> all{};
    for (const Level& entry : kLevels) {
      if (usable(entry)) all[static_cast<std::size_t>(entry.isa)] = make_table(entry.isa);
    }
    return all;
  }();
  if (!usable(level_of(level))) {
    refuse(fmt::format("kernels of {}", isa_name(level)), "instruction level not available");
  }
  return tables[static_cast<std::size_t>(level)];
}

}  // namespace tempera::core
