// What each quantizer gives, and the derivative that training sees in its place.
#include <fmt/format.h>

#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::string staircase_chart(const QuantizedSite& site, std::size_t number) {
  LineChart chart{.sheet = {.id = fmt::format("staircase-{}", number),
                            .title = site.site,
                            .description = fmt::format("The quantizer of {} ({}) and its surrogate derivative.",
                                                       site.site, site.grid)}};
  chart.x = {.label = "before", .target = 4, .tight = true};
  chart.y = {.target = 4};
  chart.series = {
      Series{.name = "value", .x = site.argument, .y = site.value, .stroke = series_stroke(0, false)},
      Series{.name = "derivative", .x = site.argument, .y = site.derivative, .stroke = series_stroke(1, false)}};
  if (!site.hard.empty()) {
    chart.series.push_back(
        {.name = "as shipped", .x = site.argument, .y = site.hard, .stroke = series_stroke(2, false)});
  }
  return figure(fmt::format("{} ({})", site.site, site.grid), draw(chart));
}

}  // namespace

std::string staircases(const RunData& run) {
  if (!run.quantization) return {};
  std::vector<std::string> figures;
  for (const QuantizedSite& site : run.quantization->sites) {
    if (!site.argument.empty()) figures.push_back(staircase_chart(site, figures.size()));
  }
  return figures.empty() ? std::string() : multiples(figures);
}

}  // namespace tempera::cli::report::sections
