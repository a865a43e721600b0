// Values of each quantized site before and after, overlaid.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

// On a logarithmic axis, as a grid puts into one bin what was spread over many: an empty bin is at the foot of it.
constexpr double kFoot = 0.5;

Series outline(const QuantizedSite& site, const std::vector<double>& counts, const std::string& name,
               std::size_t index) {
  Series series{.name = name, .stroke = series_stroke(index, false)};
  const double width = (site.high - site.low) / static_cast<double>(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (const double edge : {0.0, 1.0}) {
      series.x.push_back(site.low + (static_cast<double>(i) + edge) * width);
      series.y.push_back(std::max(counts[i], kFoot));
    }
  }
  return series;
}

std::string chart_of(const QuantizedSite& site, std::size_t number) {
  LineChart chart{
      .sheet = {.id = fmt::format("distribution-{}", number),
                .title = site.site,
                .description = fmt::format("Values of {} from {} to {} before and after quantization to {}.", site.site,
                                           significant(site.low, 3), significant(site.high, 3), site.grid)}};
  chart.x = {.label = "value", .target = 4, .tight = true};
  chart.y = {.label = "values in a bin", .kind = ScaleKind::log, .min = kFoot, .target = 4};
  chart.series = {outline(site, site.before, "before", 0), outline(site, site.after, "after", 1)};
  return figure(fmt::format("{} ({} bit{})", site.site, site.bits, site.folded ? ", batch norm folded in" : ""),
                draw(chart));
}

constexpr const char* kFoldedNote =
    "Where batch norm is folded in, a weight is rounded as the norm will have scaled it, each channel by a factor of "
    "its own, and is drawn here as it is stored, with that factor taken out again: after quantization its values lie "
    "on a grid for each channel, which is not that of the staircase.";

}  // namespace

std::string distributions(const RunData& run) {
  if (!run.quantization) return {};
  std::vector<std::string> figures;
  for (const QuantizedSite& site : run.quantization->sites) {
    if (!site.before.empty()) figures.push_back(chart_of(site, figures.size()));
  }
  if (figures.empty()) return {};
  const bool folded = std::ranges::any_of(run.quantization->sites, &QuantizedSite::folded);
  return multiples(figures) + (folded ? note(kFoldedNote) : std::string());
}

}  // namespace tempera::cli::report::sections
