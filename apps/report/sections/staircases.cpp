// What each quantizer gives, and the derivative that training sees in its place.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/sections/staircase_charts.hpp"

namespace tempera::cli::report::sections {

std::string staircases(const RunData& run) {
  if (!run.quantization) return {};
  std::vector<std::string> figures, left_out;
  bool by_channel = false;
  for (const QuantizedSite& site : run.quantization->sites) {
    if (!has_staircase(site)) {
      left_out.push_back(site.site);
      continue;
    }
    by_channel = by_channel || site.channel.has_value();
    figures.push_back(figure(fmt::format("{} ({})", staircase_name(site), quantizer_text(site)),
                             staircase_values(site, figures.size()) + staircase_derivative(site, figures.size())));
  }
  std::string markup = figures.empty() ? std::string() : multiples(figures);
  if (by_channel) {
    markup += note(
        "Where channels have scales of their own, the channel is drawn whose scale is the median: the others are alike "
        "but for their width.");
  }
  if (left_out.empty()) return markup;
  return markup +
         note(fmt::format("Without a picture: {}. A staircase is drawn of a quantizer that met values, unless its "
                          "scale is one of a group or of the moment.",
                          fmt::join(left_out, ", ")));
}

}  // namespace tempera::cli::report::sections
