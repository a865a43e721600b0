// What each quantizer gives, and the derivative that training sees in its place.
#include <fmt/format.h>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/sections/staircase_charts.hpp"

namespace tempera::cli::report::sections {

std::string staircases(const RunData& run) {
  if (!run.quantization) return {};
  std::vector<std::string> figures;
  for (const QuantizedSite& site : run.quantization->sites) {
    if (!has_staircase(site)) continue;
    figures.push_back(figure(fmt::format("{} ({})", site.site, quantizer_text(site)),
                             staircase_values(site, figures.size()) + staircase_derivative(site, figures.size())));
  }
  return figures.empty() ? std::string() : multiples(figures);
}

}  // namespace tempera::cli::report::sections
