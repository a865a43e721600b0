// A whole report.html: one file, no network, from the sections listed in sections.def.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tempera/apps/report/run_data.hpp"

namespace tempera::cli::report {

/// A part of a page; one without markup is left out.
struct Section {
  std::string id;
  std::string title;
  std::string markup;
};

/// The report of one run. The same run gives the same bytes.
[[nodiscard]] std::string render_report(const RunData& run);

/// The report over several runs: a table, their test errors with intervals, their curves overlaid. One run gives its
/// own report.
[[nodiscard]] std::string render_comparison(std::span<const RunData> runs);

/// The temperature figure alone, as a standalone SVG document (light and dark). The README's picture is made with it.
[[nodiscard]] std::string render_temperature_figure(const RunData& run);

/// The staircase and the surrogate derivative of every quantizer of the run that has a scale for all or for each channel, as a
/// standalone SVG document (light and dark). The guide's picture is made with it. Throws UnsupportedError where there is none.
[[nodiscard]] std::string render_quantizers_figure(const RunData& run);

/// What pages share: document, styles, header, navigation.
struct Page {
  std::string title;         ///< plain text
  std::string kicker;        ///< plain text above the title
  std::string alarm_markup;  ///< the first line of the page, where something must not be overlooked
  std::string facts_markup;  ///< below the title
  std::vector<Section> sections;
};
[[nodiscard]] std::string render(const Page& page);

/// The loud first line of a run that did not get the data it asked for; empty for all others.
[[nodiscard]] std::string fallback_alarm(const RunData& run);

}  // namespace tempera::cli::report
