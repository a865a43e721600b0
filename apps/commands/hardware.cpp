// tempera hardware: what this processor does natively.
#include "tempera/apps/hardware.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "tempera/apps/commands/command.hpp"
#include "tempera/apps/terminal.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::cli {
namespace {

nlohmann::ordered_json to_json(const Hardware& h) {
  nlohmann::ordered_json formats = nlohmann::ordered_json::array();
  for (const FormatSupport& f : h.formats) {
    formats.push_back({{"format", f.format}, {"native", f.native}, {"by", f.by}, {"kernel", f.kernel}});
  }
  return {{"processor", h.processor},
          {"cores", h.cores},
          {"threads", core::thread_count()},
          {"memory", h.memory},
          {"caches", {{"l1d", h.l1d}, {"l2", h.l2}, {"l3", h.l3}}},
          {"features", h.features},
          {"levels", h.levels},
          {"level", h.level},
          {"formats", formats}};
}

// Caches are built, and named, in powers of two.
std::string cache_text(std::int64_t bytes) {
  constexpr std::int64_t kKibi = 1024, kMebi = kKibi * kKibi;
  if (bytes == 0) return "unknown";
  return bytes % kMebi == 0 ? fmt::format("{} MiB", bytes / kMebi)
                            : fmt::format("{:.0f} KiB", static_cast<double>(bytes) / kKibi);
}

std::string to_text(const Hardware& h) {
  std::string text =
      fmt::format("processor   {} ({} cores, {} threads in use)\n", h.processor, h.cores, core::thread_count());
  text += fmt::format("memory      {}; caches L1d {}, L2 {}, L3 {}\n", bytes_text(static_cast<double>(h.memory)),
                      cache_text(h.l1d), cache_text(h.l2), cache_text(h.l3));
  text += fmt::format("features    {}\n", fmt::join(h.features, " "));
  text += fmt::format("levels      {} (in use: {}; TEMPERA_ISA forces another)\n\n", fmt::join(h.levels, " "), h.level);
  Table table({"format", "natively", "by", "kernel in tempera"});
  for (const FormatSupport& f : h.formats) table.row({f.format, f.native ? "yes" : "emulated", f.by, f.kernel});
  return text + table.text();
}

}  // namespace

void add_hardware(Verb& program, Session& session) {
  add_verb(program, session, "hardware",
           "this processor: instruction levels, and which number formats it computes natively", [&session] {
             const Hardware hardware = inspect_hardware();
             print_result(session, to_json(hardware), to_text(hardware));
             return kDone;
           });
}

}  // namespace tempera::cli
