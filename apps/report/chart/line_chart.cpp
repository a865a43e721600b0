#include "tempera/apps/report/chart/line_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "tempera/apps/report/palette.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kColumn = 4;  // labels are tried every that many pixels
constexpr double kRoom = 15;   // more than that around a label is of no further use

struct Spot {
  double x, y;  // user units
};

/// Height of the drawn line at every column of the plot; NaN where there is none.
std::vector<double> heights(const Plot& plot, const Series& series, std::size_t columns) {
  std::vector<double> out(columns, std::nan(""));
  for (std::size_t i = 1; i < std::min(series.x.size(), series.y.size()); ++i) {
    const Spot from{plot.x(series.x[i - 1]), plot.y(series.y[i - 1])};
    const Spot to{plot.x(series.x[i]), plot.y(series.y[i])};
    for (std::size_t column = 0; column < columns; ++column) {
      const double x = plot.box().left + kColumn * static_cast<double>(column);
      if (x < from.x || x > to.x || !(to.x > from.x)) continue;
      out[column] = from.y + (to.y - from.y) * (x - from.x) / (to.x - from.x);
    }
  }
  return out;
}

/// How free of labels, and then of other lines, the spot on line `own` at that column is.
double freedom(const std::vector<std::vector<double>>& lines, std::size_t own, std::size_t column, Spot spot,
               const std::vector<Spot>& taken) {
  double from_labels = kRoom;
  for (const Spot& label : taken) from_labels = std::min(from_labels, std::hypot(label.x - spot.x, label.y - spot.y));
  double from_lines = kRoom;
  for (std::size_t other = 0; other < lines.size(); ++other) {
    if (other == own || std::isnan(lines[other][column])) continue;
    from_lines = std::min(from_lines, std::abs(lines[other][column] - spot.y));
  }
  return 4 * from_labels + from_lines;
}

/// Names each line where it is farthest from all else; the first of equally good places counts.
void name_lines(Plot& plot, const LineChart& chart) {
  const auto columns = static_cast<std::size_t>((plot.box().right - plot.box().left) / kColumn);
  std::vector<std::vector<double>> lines;
  lines.reserve(chart.series.size());
  for (const Series& series : chart.series) lines.push_back(heights(plot, series, columns));
  std::vector<Spot> taken;
  for (std::size_t own = 0; own < lines.size(); ++own) {
    double best = -1;
    Spot at{};
    for (std::size_t column = 4; column + 4 < columns; ++column) {
      const Spot spot{plot.box().left + kColumn * static_cast<double>(column), lines[own][column]};
      if (std::isnan(spot.y)) continue;
      const double found = freedom(lines, own, column, spot, taken);
      if (found > best) best = found, at = spot;
    }
    if (best < 0) continue;
    taken.push_back(at);
    plot.label({at.x, at.y + 4}, chart.series[own].name,
               "name halo f" + std::to_string(chart.series[own].stroke.color % kSeriesColors));
  }
}

}  // namespace

Stroke series_stroke(std::size_t index, bool markers) {
  constexpr std::array kMarkers{Marker::circle, Marker::square, Marker::triangle, Marker::diamond};
  return {index, markers ? kMarkers[index % kMarkers.size()] : Marker::none, index % 2 == 1, 2};
}

std::string draw(const LineChart& chart) {
  std::vector<double> xs;
  std::vector<double> ys;
  std::vector<LegendEntry> legend;
  for (const Series& series : chart.series) {
    xs.insert(xs.end(), series.x.begin(), series.x.end());
    for (const auto* values : {&series.y, &series.low, &series.high})
      ys.insert(ys.end(), values->begin(), values->end());
    legend.push_back({series.name, series.stroke, false});
  }
  if (!chart.legend || chart.name_lines || legend.size() < 2) legend.clear();
  Plot plot(chart.sheet, chart.x, chart.y, xs, ys, legend);
  for (const Series& series : chart.series) plot.band(series.x, series.low, series.high, series.stroke.color);
  for (std::size_t i = 0; i < chart.marks.size(); ++i) plot.vertical(chart.marks[i].x, chart.marks[i].label, i);
  for (const Series& series : chart.series) plot.line(series.x, series.y, series.stroke, series.name);
  if (chart.name_lines) name_lines(plot, chart);
  return plot.finish();
}

}  // namespace tempera::cli::report
