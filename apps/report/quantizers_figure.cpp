// The staircases of a run's quantizers as a document of their own, for a guide.
#include <fmt/format.h>

#include <vector>

#include "tempera/apps/report/chart/plot.hpp"
#include "tempera/apps/report/page.hpp"
#include "tempera/apps/report/sections/staircase_charts.hpp"
#include "tempera/apps/report/standalone.hpp"
#include "tempera/core/errors.hpp"

namespace tempera::cli::report {
namespace {

constexpr std::size_t kPanelColumns = 3;
constexpr double kPanelWidth = 340, kBetween = 36;  // charts at the size they have on a page
constexpr double kHead = 46;                        // name and grid above the charts of a panel
constexpr double kPanelHeight = kHead + sections::kValuesHeight + sections::kDerivativeHeight + 30;

std::string panel(const QuantizedSite& site, std::size_t number) {
  const double x = kSheetPadding + static_cast<double>(number % kPanelColumns) * (kPanelWidth + kBetween);
  const double y = kSheetHead + static_cast<double>(number / kPanelColumns) * kPanelHeight;
  const std::string& name = site.quantizer.empty() ? site.site : site.quantizer;
  return words(x, y + 14, "name", name) +
         words(x, y + 31, "axis",
               fitted(fmt::format("{}: {}", sections::staircase_name(site), site.grid), kPanelWidth)) +
         placed(sections::staircase_values(site, number), x, y + kHead, kPanelWidth, sections::kValuesHeight) +
         placed(sections::staircase_derivative(site, number), x, y + kHead + sections::kValuesHeight, kPanelWidth,
                sections::kDerivativeHeight);
}

}  // namespace

std::string render_quantizers_figure(const RunData& run) {
  std::string panels;
  std::size_t count = 0;
  if (run.quantization) {
    for (const QuantizedSite& site : run.quantization->sites) {
      if (sections::has_staircase(site)) panels += panel(site, count++);
    }
  }
  if (count == 0) {
    throw core::UnsupportedError(
        "quantizers figure",
        fmt::format("run \"{}\" has no site whose quantizer can be drawn: that takes a section \"quantization\" and a "
                    "quantizer with a scale for the whole tensor or for each channel",
                    run.summary.name));
  }
  const std::size_t rows = (count + kPanelColumns - 1) / kPanelColumns;
  const Sheet sheet{.id = "quantizers",
                    .title = "What each quantizer makes of its argument",
                    .description =
                        "For each quantized site the value over the argument, and below it the derivative "
                        "that training takes in its place.",
                    .width = 2 * kSheetPadding + kPanelColumns * kPanelWidth + (kPanelColumns - 1) * kBetween,
                    .height = kSheetHead + static_cast<double>(rows) * kPanelHeight};
  return open_standalone(sheet, fmt::format("the sites of {}: values, and below them the derivative that training "
                                            "takes in the place of that of the steps",
                                            run.summary.name)) +
         panels + "</svg>\n";
}

}  // namespace tempera::cli::report
