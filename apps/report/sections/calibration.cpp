// Does a confidence of 80 % mean right in 80 of 100 cases? The reliability diagram.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/apps/report/chart/bar_chart.hpp"
#include "tempera/apps/report/html.hpp"
#include "tempera/apps/report/run_data.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

std::vector<double> edges(const std::vector<CalibrationBin>& bins) {
  std::vector<double> out{bins.front().lower};
  for (const CalibrationBin& bin : bins) out.push_back(bin.upper);
  return out;
}

/// ECE = Σ count / n · |accuracy − confidence| (Guo et al. 2017, eq. 3).
double expected_error(const std::vector<CalibrationBin>& bins) {
  double total = 0;
  double sum = 0;
  for (const CalibrationBin& bin : bins) {
    if (bin.count <= 0) continue;
    total += static_cast<double>(bin.count);
    sum += static_cast<double>(bin.count) * std::abs(bin.accuracy - bin.confidence);
  }
  return total > 0 ? sum / total : kUnknown;
}

std::string reliability(const std::vector<CalibrationBin>& bins) {
  Histogram chart;
  chart.sheet = {
      .id = "calibration-reliability",
      .title = "Accuracy against confidence",
      .description = fmt::format("Bars on the diagonal would be perfect. The expected calibration error is {}.",
                                 percent(expected_error(bins))),
      .height = 280};
  chart.edges = edges(bins);
  chart.x = {.label = "confidence", .format = TickFormat::percent, .min = 0.0, .max = 1.0, .tight = true};
  chart.y = {.label = "accuracy", .format = TickFormat::percent, .min = 0.0, .max = 1.0};
  chart.bin_name = "accuracy";
  chart.diagonal = true;
  for (const CalibrationBin& bin : bins) chart.counts.push_back(bin.count > 0 ? bin.accuracy : kUnknown);
  return figure(chart.sheet.title, draw(chart));
}

std::string counts(const std::vector<CalibrationBin>& bins) {
  Histogram chart;
  chart.sheet = {.id = "calibration-counts", .title = "Images by confidence", .height = 280};
  chart.edges = edges(bins);
  chart.x = {.label = "confidence", .format = TickFormat::percent, .min = 0.0, .max = 1.0, .tight = true};
  chart.y = {.label = "images, logarithmic", .kind = ScaleKind::log, .min = 1.0};
  chart.bin_name = "images:";
  for (const CalibrationBin& bin : bins) {
    // A logarithmic axis has no zero; empty bins have no bar.
    chart.counts.push_back(bin.count > 0 ? static_cast<double>(bin.count) : kUnknown);
    if (bin.count > 0) {
      chart.sheet.description +=
          fmt::format("{} to {}: {} images. ", percent(bin.lower, 0), percent(bin.upper, 0), bin.count);
    }
  }
  return figure(chart.sheet.title, draw(chart));
}

Table table(const std::vector<CalibrationBin>& bins) {
  Table out{"calibration by bin", {"confidence from", "to", "images", "mean confidence", "accuracy"}, {}};
  for (const CalibrationBin& bin : bins) {
    out.rows.push_back(
        {fixed(bin.lower, 3), fixed(bin.upper, 3), grouped(bin.count), percent(bin.confidence), percent(bin.accuracy)});
  }
  return out;
}

}  // namespace

std::string calibration(const RunData& run) {
  if (!run.evaluation || run.evaluation->calibration.empty()) return {};
  const auto& bins = run.evaluation->calibration;
  return paragraph(fmt::format(
             "How often the model is right when it is that sure. Below the dashed line it is too sure of "
             "itself, above it too cautious. Weighted by the images in each bin, the gap is {} (ECE, {} bins).",
             percent(expected_error(bins)), bins.size())) +
         multiples({reliability(bins), counts(bins)}) + numbers(table(bins));
}

}  // namespace tempera::cli::report::sections
