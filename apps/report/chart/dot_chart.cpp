#include "tempera/apps/report/chart/dot_chart.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kRow = 42;     // the name above, the dots below it
constexpr double kAround = 60;  // axis below, room above

// Dots stand in the lower half of their row.
constexpr double kBelowName = 0.14;

// Dots of one row that would hide each other are spread over three lanes.
double lane(std::size_t index) { return (static_cast<double>(index % 3) - 1) * 0.13; }

// The end of an interval that goes on beyond the plot.
void draw_arrow(Plot& plot, double value, double row, std::size_t color) {
  constexpr double kLength = 6, kHalf = 6;
  const Range shown = plot.x_range();
  if (value >= shown.low && value <= shown.high) return;
  const double tip = plot.x(value), back = value < shown.low ? tip + kLength : tip - kLength, y = plot.y(row);
  plot.raw(fmt::format("<path class=\"line cut l{}\" stroke-width=\"1.5\" d=\"M{} {}L{} {}L{} {}\"/>", color % 10,
                       coordinate(back), coordinate(y - kHalf), coordinate(tip), coordinate(y), coordinate(back),
                       coordinate(y + kHalf)));
}

void draw_group(Plot& plot, const DotGroup& group, double row) {
  if (std::isfinite(group.low) && std::isfinite(group.high)) {
    plot.raw(fmt::format("<path class=\"interval l{}\" d=\"M{} {}H{}\"/>", group.color % 10,
                         coordinate(plot.x(group.low)), coordinate(plot.y(row)), coordinate(plot.x(group.high))));
    for (const double end : {group.low, group.high}) draw_arrow(plot, end, row, group.color);
  }
  plot.raw(fmt::format("<text class=\"word\" x=\"{}\" y=\"{}\">{}</text>", coordinate(plot.box().left),
                       coordinate(plot.y(row) - 12), escape(fitted(group.name, plot.box().right - plot.box().left))));
  const bool spread = group.values.size() > 1;
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    plot.marker(group.values[i], row + (spread ? lane(i) : 0), {.color = group.color, .marker = Marker::circle},
                fmt::format("{}: {}", group.name, significant(group.values[i], 5)));
  }
  if (!std::isfinite(group.mean)) return;
  plot.raw(fmt::format("<path class=\"mean\" d=\"M{} {}v16\"/>", coordinate(plot.x(group.mean)),
                       coordinate(plot.y(row) - 8)));
}

}  // namespace

std::string draw(const DotChart& chart) {
  std::vector<double> xs, ends;
  std::vector<double> rows;
  // Position 0 is the lowest one on the axis, the first group the highest. Names stand above their dots, not beside
  // them: on a phone they would take the room of the dots.
  const Axis y{.names = std::vector<std::string>(chart.groups.size())};
  for (const DotGroup& group : chart.groups) {
    rows.push_back(static_cast<double>(rows.size()));
    xs.insert(xs.end(), group.values.begin(), group.values.end());
    xs.push_back(group.mean);
    ends.insert(ends.end(), {group.low, group.high});
  }
  if (chart.limits && chart.limits->low < 0) xs.push_back(0);
  add_ends(xs, ends, chart.limits);
  Sheet sheet = chart.sheet;
  if (sheet.height <= 0) sheet.height = kAround + kRow * static_cast<double>(chart.groups.size());
  Plot plot(sheet, chart.x, y, xs, rows);
  for (std::size_t i = 0; i < chart.groups.size(); ++i) {
    draw_group(plot, chart.groups[i], static_cast<double>(chart.groups.size() - 1 - i) - kBelowName);
  }
  return plot.finish();
}

std::string draw(const Scatter& chart) {
  std::vector<double> xs;
  std::vector<double> ys;
  std::vector<LegendEntry> legend;
  for (const Scatter::Cloud& cloud : chart.clouds) {
    xs.insert(xs.end(), cloud.x.begin(), cloud.x.end());
    ys.insert(ys.end(), cloud.y.begin(), cloud.y.end());
    legend.push_back({cloud.name, cloud.stroke, false});
  }
  if (legend.size() < 2) legend.clear();
  Plot plot(chart.sheet, chart.x, chart.y, xs, ys, legend);
  for (const Scatter::Cloud& cloud : chart.clouds) {
    for (std::size_t i = 0; i < std::min(cloud.x.size(), cloud.y.size()); ++i) {
      plot.marker(cloud.x[i], cloud.y[i], cloud.stroke,
                  fmt::format("{}: {}, {}", cloud.name, significant(cloud.x[i], 4), significant(cloud.y[i], 4)));
    }
  }
  return plot.finish();
}

}  // namespace tempera::cli::report
