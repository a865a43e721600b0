// The temperature figure as a document of its own, for a README or a slide.
#include <fmt/format.h>

#include "tempera/apps/report/chart/bitmap.hpp"
#include "tempera/apps/report/chart/plot.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/sections/temperature_charts.hpp"
#include "tempera/apps/report/standalone.hpp"
#include "tempera/apps/report/text.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kWidth = 1000;
constexpr double kHeight = 580;
constexpr double kDigit = 150;
constexpr double kLinesHeight = 290;
constexpr double kLinesLeft = kSheetPadding + kDigit + 40;
constexpr double kLinesWidth = kWidth - kLinesLeft - kSheetPadding;

std::string subject(const RunData& run) {
  const TemperatureStudy& study = sections::study_of(run);
  const std::string uri = png_data_uri(study.picture);
  std::string out;
  if (!uri.empty()) {
    out = fmt::format(
        "<image class=\"digit\" x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" href=\"{3}\"/>"
        "<rect class=\"frame\" x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\"/>",
        coordinate(kSheetPadding), coordinate(kSheetHead + 8), coordinate(kDigit), uri);
  }
  return out +
         words(kSheetPadding, kSheetHead + kDigit + 32, "axis", fmt::format("test image {}", study.sample_index)) +
         words(kSheetPadding, kSheetHead + kDigit + 50, "axis",
               fmt::format("labelled {}", class_name(run, static_cast<std::size_t>(study.sample_label))));
}

std::string bars(const RunData& run) {
  const TemperatureStudy& study = sections::study_of(run);
  const std::vector<std::size_t> rows = sections::chosen_temperatures(study);
  const double step = (kWidth - 2 * kSheetPadding + 12) / static_cast<double>(rows.size());
  const double width = std::min(step - 12, sections::kBarsWidth);
  const double height = width / sections::kBarsWidth * sections::kBarsHeight;
  const double top = kSheetHead + kLinesHeight + 44;
  std::string out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double x = kSheetPadding + step * static_cast<double>(i);
    out += words(x, top - 2, "name", fmt::format("T = {}", significant(study.temperatures[rows[i]])));
    out += placed(sections::probability_bars(run, rows[i]), x, top + 4, width, height);
  }
  return out;
}

}  // namespace

std::string render_temperature_figure(const RunData& run) {
  if (!sections::has_curves(run)) {
    throw core::UnsupportedError("temperature figure",
                                 fmt::format("run \"{}\" has no temperature study; ask for one with "
                                             "\"analyses\": [\"temperature\"] in its config",
                                             run.summary.name));
  }
  const TemperatureStudy& study = sections::study_of(run);
  const Sheet sheet{
      .id = "temperature",
      .title = "What a network says about one image as the temperature rises",
      .description = "Lines: probability of each class against temperature. Bars: the same at single temperatures.",
      .width = kWidth,
      .height = kHeight};
  std::string out = open_standalone(
      sheet, fmt::format("softmax(z / T) of {}, for T from {} to {}", run.summary.name,
                         significant(study.temperatures.front()), significant(study.temperatures.back())));
  out += subject(run);
  out += placed(sections::probability_lines(run, false, kLinesWidth, kLinesHeight), kLinesLeft, kSheetHead, kLinesWidth,
                kLinesHeight);
  return out + bars(run) + "</svg>\n";
}

}  // namespace tempera::cli::report
