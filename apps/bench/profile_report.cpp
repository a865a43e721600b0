#include "tempera/apps/bench/profile_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "tempera/apps/terminal.hpp"

namespace tempera::cli::bench {
namespace {

using core::Phase;
using core::ProfileEntry;
using nlohmann::ordered_json;

constexpr std::array kPhases{Phase::kForward, Phase::kBackward, Phase::kUpdate, Phase::kData, Phase::kOutside};

// The figures of an entry, or of the whole, in the units that are shown.
struct Figures {
  double calls = 0, microseconds = 0, mflop = 0;  // per step
  double share = 0;                               // of the time
  double gflops = 0, share_of_peak = 0;           // 0 where no work is declared
};

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

Figures figures_of(const ProfileEntry& entry, double total, const ProfileContext& context) {
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, context.steps));
  const auto nanoseconds = static_cast<double>(entry.nanoseconds);
  const double rate = ratio(entry.flop, nanoseconds);
  return {.calls = static_cast<double>(entry.calls) / steps,
          .microseconds = nanoseconds / steps / 1e3,
          .mflop = entry.flop / steps / 1e6,
          .share = ratio(nanoseconds, total),
          .gflops = rate,
          .share_of_peak = ratio(rate * 1e9, context.peak)};
}

// The step as a whole, as if it were one operation.
ProfileEntry whole_of(const core::Profile& profile, const ProfileContext& context) {
  ProfileEntry whole{.calls = context.steps, .nanoseconds = profile.nanoseconds()};
  for (const ProfileEntry& entry : profile.entries()) whole.flop += entry.flop;
  return whole;
}

double phase_share(const core::Profile& profile, Phase phase) {
  std::int64_t nanoseconds = 0;
  for (const ProfileEntry& entry : profile.entries()) nanoseconds += entry.phase == phase ? entry.nanoseconds : 0;
  return ratio(static_cast<double>(nanoseconds), static_cast<double>(profile.nanoseconds()));
}

std::vector<ProfileEntry> longest_first(const core::Profile& profile) {
  std::vector<ProfileEntry> entries = profile.entries();
  std::ranges::stable_sort(entries, std::ranges::greater{}, &ProfileEntry::nanoseconds);
  return entries;
}

double samples_per_second(const Figures& whole, const ProfileContext& context) {
  return ratio(static_cast<double>(context.batch) * 1e6, whole.microseconds);
}

}  // namespace

ordered_json profile_json(const core::Profile& profile, const ProfileContext& context) {
  const auto total = static_cast<double>(profile.nanoseconds());
  const Figures whole = figures_of(whole_of(profile, context), total, context);
  ordered_json phases, operations = ordered_json::array();
  for (const Phase phase : kPhases) phases[std::string(core::phase_name(phase))] = phase_share(profile, phase);
  for (const ProfileEntry& entry : longest_first(profile)) {
    const Figures f = figures_of(entry, total, context);
    ordered_json line{
        {"phase", core::phase_name(entry.phase)}, {"scope", entry.scope}, {"op", entry.op}, {"calls_per_step", f.calls},
        {"us_per_step", f.microseconds},          {"share", f.share}};
    if (entry.flop > 0) {
      line.update({{"mflop_per_step", f.mflop}, {"gflop_per_s", f.gflops}, {"share_of_peak", f.share_of_peak}});
    }
    operations.push_back(std::move(line));
  }
  return {{"steps", context.steps},
          {"us_per_step", whole.microseconds},
          {"samples_per_s", samples_per_second(whole, context)},
          {"gflop_per_s", whole.gflops},
          {"peak_gflop_per_s", context.peak / 1e9},
          {"share_of_peak", whole.share_of_peak},
          {"phases", std::move(phases)},
          {"operations", std::move(operations)}};
}

std::string profile_text(const core::Profile& profile, const ProfileContext& context) {
  const auto total = static_cast<double>(profile.nanoseconds());
  Table table({"pass", "layer", "operation", "calls", "µs", "share", "GFLOP/s", "of peak"});
  const auto row = [&](std::string_view pass, const ProfileEntry& entry) {
    const Figures f = figures_of(entry, total, context);
    const bool works = entry.flop > 0;
    table.row({std::string(pass), entry.scope, entry.op, fmt::format("{:.4g}", f.calls),
               fmt::format("{:.1f}", f.microseconds), fmt::format("{:.1f} %", 100 * f.share),
               works ? fmt::format("{:.1f}", f.gflops) : "",
               works && context.peak > 0 ? fmt::format("{:.0f} %", 100 * f.share_of_peak) : ""});
  };
  for (const ProfileEntry& entry : longest_first(profile)) row(core::phase_name(entry.phase), entry);
  const ProfileEntry whole = whole_of(profile, context);
  row("step", whole);
  std::string text = table.text() + "\n";
  std::vector<std::string> shares;  // an inference has no backward, update or data
  for (const Phase phase : kPhases) {
    const double share = phase_share(profile, phase);
    if (share > 0) shares.push_back(fmt::format("{} {:.1f} %", core::phase_name(phase), 100 * share));
  }
  text += fmt::format("{}\n", fmt::join(shares, " · "));
  return text + fmt::format("{} samples/s over {} steps; measured peak {:.1f} GFLOP/s\n",
                            count_text(std::llround(samples_per_second(figures_of(whole, total, context), context))),
                            count_text(context.steps), context.peak / 1e9);
}

}  // namespace tempera::cli::bench
