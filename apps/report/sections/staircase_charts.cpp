#include "tempera/apps/report/sections/staircase_charts.hpp"

#include <fmt/format.h>

#include "tempera/apps/report/chart/line_chart.hpp"

namespace tempera::cli::report::sections {
namespace {

constexpr double kLabels = 52;  // so that arguments stand below each other, whatever the numbers beside them

}  // namespace

std::string staircase_values(const QuantizedSite& site, std::size_t number) {
  LineChart chart{.sheet = {.id = fmt::format("staircase-{}", number),
                            .title = staircase_name(site),
                            .description = fmt::format("What the quantizer of {} ({}) makes of its argument.",
                                                       site.site, quantizer_text(site)),
                            .height = kValuesHeight}};
  chart.x = {.target = 4, .tight = true};
  chart.y = {.label = "after", .target = 4, .room = kLabels};
  const std::string soft = site.temperature ? fmt::format("in training, T = {:.3g}", *site.temperature) : "in training";
  chart.series = {Series{.name = soft, .x = site.argument, .y = site.value, .stroke = series_stroke(0, false)}};
  if (!site.hard.empty()) {
    chart.series.push_back(
        {.name = "as shipped", .x = site.argument, .y = site.hard, .stroke = series_stroke(1, false)});
  }
  return draw(chart);
}

std::string staircase_derivative(const QuantizedSite& site, std::size_t number) {
  LineChart chart{.sheet = {.id = fmt::format("surrogate-{}", number),
                            .title = fmt::format("{}: derivative", staircase_name(site)),
                            .description = fmt::format("The surrogate derivative of the quantizer of {} ({}).",
                                                       site.site, quantizer_text(site)),
                            .height = kDerivativeHeight}};
  chart.x = {.label = "before", .target = 4, .tight = true};
  chart.y = {.label = "derivative", .min = 0, .target = 2, .room = kLabels};
  chart.series = {Series{.name = "derivative", .x = site.argument, .y = site.derivative, .stroke = {.color = 2}}};
  return draw(chart);
}

std::string staircase_name(const QuantizedSite& site) {
  return site.channel ? fmt::format("{}, channel {}", site.site, *site.channel) : site.site;
}

std::string quantizer_text(const QuantizedSite& site) {
  return site.quantizer.empty() ? site.grid : fmt::format("{}, {}", site.quantizer, site.grid);
}

}  // namespace tempera::cli::report::sections
