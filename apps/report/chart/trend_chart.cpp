#include "tempera/apps/report/chart/trend_chart.hpp"

#include <fmt/format.h>

#include <utility>

#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kApart = 5;  // user units between trends that stand beside each other
constexpr double kCap = 3;    // half the width of a whisker's end
constexpr double kArrow = 4;  // length of the end of one that is cut

double shift_of(const TrendChart& chart, std::size_t index) {
  return kApart * (static_cast<double>(index) - static_cast<double>(chart.trends.size() - 1) / 2);
}

std::string interval_text(const TrendPoint& point) {
  if (!std::isfinite(point.low) || !std::isfinite(point.high)) return {};
  return fmt::format(", 95 % interval {} to {}", percent(point.low), percent(point.high));
}

void draw_whisker(Plot& plot, const TrendPoint& point, double shift, std::size_t color) {
  if (!std::isfinite(point.low) || !std::isfinite(point.high)) return;
  const double x = plot.x(point.x) + shift, low = plot.y(point.low), high = plot.y(point.high);
  // A whisker ends in a cap; one that is cut at the plot's border, in an arrow.
  const auto end = [&](double y, double back) {
    return fmt::format("M{} {}L{} {}L{} {}", coordinate(x - kCap), coordinate(y + back), coordinate(x), coordinate(y),
                       coordinate(x + kCap), coordinate(y + back));
  };
  const Range shown = plot.y_range();
  plot.raw(fmt::format("<path class=\"line whisker l{}\" stroke-width=\"1.5\" d=\"{}M{} {}V{}{}\"/>", color % 10,
                       end(low, point.low < shown.low ? -kArrow : 0), coordinate(x), coordinate(low), coordinate(high),
                       end(high, point.high > shown.high ? kArrow : 0)));
}

void draw_trend(Plot& plot, const Trend& trend, double shift) {
  std::string path;
  for (const TrendPoint& point : trend.points) {
    for (const auto& [x, y] : point.runs) {
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      plot.raw(fmt::format("<circle class=\"run f{}\" cx=\"{}\" cy=\"{}\" r=\"2\"><title>{}</title></circle>",
                           trend.stroke.color % 10, coordinate(plot.x(x) + shift), coordinate(plot.y(y)),
                           escape(fmt::format("{}: one run, {}", trend.name, percent(y)))));
    }
    draw_whisker(plot, point, shift, trend.stroke.color);
    path += fmt::format("{}{} {}", path.empty() ? "M" : "L", coordinate(plot.x(point.x) + shift),
                        coordinate(plot.y(point.mean)));
  }
  if (trend.joined && trend.points.size() > 1) {
    plot.raw(fmt::format("<path class=\"line l{}{}\" stroke-width=\"{}\" d=\"{}\"/>", trend.stroke.color % 10,
                         trend.stroke.dashed ? " dashed" : "", coordinate(trend.stroke.width), path));
  }
  for (const TrendPoint& point : trend.points) {
    plot.raw(marker_shape(plot.x(point.x) + shift, plot.y(point.mean), trend.stroke,
                          fmt::format("{}: mean of {} runs {}{}", trend.name, point.runs.size(), percent(point.mean),
                                      interval_text(point))));
  }
}

}  // namespace

std::string draw(const TrendChart& chart) {
  std::vector<double> xs, ys, ends;
  std::vector<LegendEntry> legend;
  for (const Trend& trend : chart.trends) {
    for (const TrendPoint& point : trend.points) {
      xs.push_back(point.x);
      ys.push_back(point.mean);
      ends.insert(ends.end(), {point.low, point.high});
      for (const auto& [x, y] : point.runs) {
        xs.push_back(x);
        ys.push_back(y);
      }
    }
    legend.push_back({trend.name, trend.stroke, false});
  }
  add_ends(ys, ends, chart.limits);
  if (legend.size() < 2) legend.clear();
  Plot plot(chart.sheet, chart.x, chart.y, xs, ys, legend);
  for (std::size_t i = 0; i < chart.trends.size(); ++i) draw_trend(plot, chart.trends[i], shift_of(chart, i));
  return plot.finish();
}

}  // namespace tempera::cli::report
