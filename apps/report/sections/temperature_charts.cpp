#include "tempera/apps/report/sections/temperature_charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tempera/apps/report/chart/bar_chart.hpp"
#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/sections/classes.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report::sections {
namespace {

// Below this a probability says only that the network rules a class out; the logarithmic axis ends there.
constexpr double kFloor = 1e-24;

std::string told(const RunData& run) {
  const TemperatureStudy& study = study_of(run);
  const auto at = [&](std::size_t row) {
    const auto& p = study.probabilities[row];
    const auto best = static_cast<std::size_t>(std::ranges::max_element(p) - p.begin());
    return fmt::format("At T = {} class {} has probability {}", significant(study.temperatures[row]),
                       class_name(run, best), probability(p[best]));
  };
  return at(0) + ". " + at(study.temperatures.size() - 1) +
         fmt::format("; all {} classes approach {}.", study.logits.size(),
                     significant(1.0 / static_cast<double>(study.logits.size()), 2));
}

}  // namespace

bool has_curves(const RunData& run) {
  return run.temperature && !run.temperature->logits.empty() && !run.temperature->temperatures.empty() &&
         run.temperature->probabilities.size() == run.temperature->temperatures.size();
}

const TemperatureStudy& study_of(const RunData& run) {
  return *run.temperature;  // NOLINT(bugprone-unchecked-optional-access): has_curves saw it
}

std::string probability_lines(const RunData& run, bool logarithmic, double width, double height) {
  const TemperatureStudy& study = study_of(run);
  LineChart chart;
  chart.sheet = {
      .id = logarithmic ? "temperature-log" : "temperature-lines",
      .title = fmt::format("Probability of each class against temperature{}", logarithmic ? ", logarithmic" : ""),
      .description = told(run),
      .width = width,
      .height = height};
  chart.x = {.label = "temperature T", .kind = ScaleKind::log, .tight = true};
  chart.y = {.label = "probability", .kind = logarithmic ? ScaleKind::log : ScaleKind::linear};
  if (logarithmic) chart.y.target = 6;
  if (!logarithmic) chart.y.min = 0.0, chart.y.max = 1.0;
  chart.name_lines = true;
  for (std::size_t j = 0; j < study.logits.size(); ++j) {
    Series series{.name = fmt::format("{}", j), .stroke = {.color = j}};
    series.x = study.temperatures;
    for (const auto& row : study.probabilities) {
      const double p = j < row.size() ? row[j] : kUnknown;
      series.y.push_back(logarithmic && p < kFloor ? kUnknown : p);
    }
    series.stroke.width = static_cast<std::int64_t>(j) == study.sample_label ? 3 : 1.8;
    chart.series.push_back(std::move(series));
  }
  return draw(chart);
}

std::string probability_bars(const RunData& run, std::size_t index) {
  const TemperatureStudy& study = study_of(run);
  BarChart chart;
  const std::string temperature = significant(study.temperatures[index]);
  chart.sheet = {.id = fmt::format("temperature-bars-{}", index),
                 .title = fmt::format("All classes at T = {}", temperature),
                 .width = kBarsWidth,
                 .height = kBarsHeight};
  chart.categories = class_numbers(study.logits.size());
  chart.y = {.min = 0.0, .max = 1.0, .target = 2};
  chart.emphasis = static_cast<int>(study.sample_label);
  chart.series.push_back({"class", study.probabilities[index], static_cast<std::size_t>(study.sample_label)});
  for (std::size_t j = 0; j < study.probabilities[index].size(); ++j) {
    chart.sheet.description += fmt::format("{}: {}. ", class_name(run, j), probability(study.probabilities[index][j]));
  }
  return draw(chart);
}

std::vector<std::size_t> chosen_temperatures(const TemperatureStudy& study) {
  std::vector<std::size_t> out;
  for (const double wanted : std::array{1.0, 2.0, 4.0, 8.0, 20.0, 50.0}) {
    const auto nearest =
        std::ranges::min_element(study.temperatures, {}, [&](double t) { return std::abs(t - wanted); });
    if (nearest == study.temperatures.end()) continue;
    const auto index = static_cast<std::size_t>(nearest - study.temperatures.begin());
    if (std::ranges::find(out, index) == out.end()) out.push_back(index);
  }
  return out;
}

}  // namespace tempera::cli::report::sections
