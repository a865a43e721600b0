#include "tempera/apps/report/chart/bar_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kGroupShare = 0.76;  // of the room of a category; the rest separates it from the next

double value_of(const BarSeries& series, std::size_t category) {
  return category < series.values.size() ? series.values[category] : std::nan("");
}

/// The values the axis must reach: each bar, or for stacks their totals.
std::vector<double> heights(const BarChart& chart) {
  std::vector<double> out;
  std::vector<double> totals(chart.categories.size(), 0.0);
  for (const BarSeries& series : chart.series) {
    for (std::size_t i = 0; i < chart.categories.size(); ++i) {
      const double value = value_of(series, i);
      out.push_back(value);
      if (std::isfinite(value)) totals[i] += value;
    }
  }
  const bool any = std::ranges::any_of(out, [](double value) { return std::isfinite(value); });
  return chart.mode == BarMode::stacked && any ? totals : out;
}

void draw_grouped(Plot& plot, const BarChart& chart, std::size_t category) {
  const auto n = static_cast<double>(chart.series.size());
  const double width = kGroupShare / n;
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    const double value = value_of(chart.series[s], category);
    if (!std::isfinite(value)) continue;
    const double left = static_cast<double>(category) - kGroupShare / 2 + width * static_cast<double>(s);
    const bool grey =
        chart.series.size() == 1 && chart.emphasis >= 0 && static_cast<std::size_t>(chart.emphasis) != category;
    plot.bar({left, left + width}, {std::min(0.0, value), std::max(0.0, value)},
             grey ? "quiet" : fmt::format("f{}", chart.series[s].color % 10),
             fmt::format("{} {}: {}", chart.series[s].name, chart.categories[category], significant(value, 4)));
    if (chart.series.size() == 1 && chart.value_digits > 0) {
      plot.text(static_cast<double>(category), value, significant(value, chart.value_digits), "middle", 0, -4, "tick");
    }
  }
}

void draw_stacked(Plot& plot, const BarChart& chart, std::size_t category) {
  double base = 0;
  for (const BarSeries& series : chart.series) {
    const double value = value_of(series, category);
    if (!std::isfinite(value)) continue;
    const double left = static_cast<double>(category) - kGroupShare / 2;
    plot.bar({left, left + kGroupShare}, {base, base + value}, fmt::format("f{}", series.color % 10),
             fmt::format("{} {}: {}", series.name, chart.categories[category], significant(value, 4)));
    base += value;
  }
}

}  // namespace

std::string draw(const BarChart& chart) {
  std::vector<LegendEntry> legend;
  legend.reserve(chart.series.size());
  for (const BarSeries& series : chart.series) legend.push_back({series.name, {.color = series.color}, true});
  if (legend.size() < 2) legend.clear();
  std::vector<double> positions;
  positions.reserve(chart.categories.size());
  for (std::size_t i = 0; i < chart.categories.size(); ++i) positions.push_back(static_cast<double>(i));
  Plot plot(chart.sheet, {.label = chart.x_label, .names = chart.categories}, chart.y, positions, heights(chart),
            legend);
  for (std::size_t i = 0; i < chart.categories.size(); ++i) {
    chart.mode == BarMode::grouped ? draw_grouped(plot, chart, i) : draw_stacked(plot, chart, i);
  }
  return plot.finish();
}

std::string draw(const Histogram& chart) {
  Plot plot(chart.sheet, chart.x, chart.y, chart.edges, chart.counts);
  for (std::size_t i = 0; i < chart.counts.size() && i + 1 < chart.edges.size(); ++i) {
    plot.bar({chart.edges[i], chart.edges[i + 1]}, {0, chart.counts[i]}, "f0 cell",
             fmt::format("{} – {}: {} {}", significant(chart.edges[i]), significant(chart.edges[i + 1]), chart.bin_name,
                         significant(chart.counts[i], 4)));
  }
  if (chart.diagonal) {
    const std::array<double, 2> ends{std::max(plot.x_range().low, plot.y_range().low),
                                     std::min(plot.x_range().high, plot.y_range().high)};
    plot.line(ends, ends, {.color = 1, .dashed = true}, "perfect calibration");
  }
  return plot.finish();
}

}  // namespace tempera::cli::report
