#include "tempera/apps/report/chart/heat_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "tempera/apps/report/palette.hpp"
#include "tempera/apps/report/text.hpp"

namespace tempera::cli::report {
namespace {

constexpr double kHeader = 42;   // column label and column names
constexpr double kScale = 40;    // colour scale below the cells
constexpr double kTallest = 40;  // of a row

struct Grid {
  double left = 0, top = kHeader, width = 0, height = 0;  // of the cells; width and height of one cell
  std::optional<Range> scale;  // of the values on it; none if there are none, or all are the same
};

bool apart(const HeatMap& chart, std::size_t row, std::size_t column) { return chart.diagonal_apart && row == column; }

std::string explained(const HeatMap& chart, double value) {
  return chart.explain ? chart.explain(value) : significant(value);
}

double row_room(const HeatMap& chart) { return chart.sheet.width * 0.28; }

/// The range of what is coloured, from zero unless asked otherwise.
std::optional<Range> scale_of(const HeatMap& chart) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Range range{chart.from_smallest ? kInfinity : 0, -kInfinity};
  for (std::size_t i = 0; i < chart.values.size(); ++i) {
    for (std::size_t j = 0; j < chart.values[i].size(); ++j) {
      const double value = chart.values[i][j];
      if (apart(chart, i, j) || !std::isfinite(value)) continue;
      range.low = std::min(range.low, value);
      range.high = std::max(range.high, value);
    }
  }
  return range.low < range.high ? std::optional(range) : std::nullopt;
}

Grid lay_out(const HeatMap& chart) {
  double widest = 0;
  for (const std::string& name : chart.rows) widest = std::max(widest, text_width(fitted(name, row_room(chart))));
  Grid grid;
  grid.left = widest + 8;
  grid.width = (chart.sheet.width - grid.left) / static_cast<double>(std::max<std::size_t>(1, chart.columns.size()));
  grid.height = std::min(kTallest, grid.width * 0.88);
  grid.scale = scale_of(chart);
  return grid;
}

int level_of(const Grid& grid, double value) {
  return grid.scale ? heat_level((value - grid.scale->low) / (grid.scale->high - grid.scale->low)) : 0;
}

std::string cell(const HeatMap& chart, const Grid& grid, std::size_t row, std::size_t column) {
  const double value = chart.values[row][column];
  if (!std::isfinite(value)) return {};
  const double x = grid.left + grid.width * static_cast<double>(column);
  const double y = grid.top + grid.height * static_cast<double>(row);
  const int level = level_of(grid, value);
  const bool off_scale = apart(chart, row, column);
  std::string out =
      fmt::format("<rect class=\"cell {}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
                  off_scale ? std::string("apart") : fmt::format("h{}", level), coordinate(x), coordinate(y),
                  coordinate(grid.width), coordinate(grid.height),
                  escape(fmt::format("{} {}, {} {}: {}", chart.row_label, chart.rows[row], chart.column_label,
                                     chart.columns[column], explained(chart, value))));
  const std::string text = chart.print ? chart.print(value) : std::string();
  if (text.empty()) return out;
  return out + fmt::format("<text class=\"value {}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                           off_scale ? std::string("on-apart") : fmt::format("i{}", level),
                           coordinate(x + grid.width / 2), coordinate(y + grid.height / 2 + 4), escape(text));
}

std::string names(const HeatMap& chart, const Grid& grid) {
  std::string out = fmt::format(
      "<text class=\"axis\" x=\"0\" y=\"14\">{} ↓</text><text class=\"axis\" x=\"{}\" y=\"14\" "
      "text-anchor=\"end\">{} →</text>",
      escape(chart.row_label), coordinate(chart.sheet.width), escape(chart.column_label));
  for (std::size_t j = 0; j < chart.columns.size(); ++j) {
    out += fmt::format("<text class=\"word\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                       coordinate(grid.left + grid.width * (static_cast<double>(j) + 0.5)), coordinate(grid.top - 8),
                       escape(fitted(chart.columns[j], grid.width)));
  }
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    out +=
        fmt::format("<text class=\"word\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", coordinate(grid.left - 8),
                    coordinate(grid.top + grid.height * (static_cast<double>(i) + 0.5) + 4),
                    escape(fitted(chart.rows[i], row_room(chart))));
  }
  return out;
}

std::string scale(const HeatMap& chart, const Grid& grid, double y) {
  if (!grid.scale) return {};
  const double left = std::min(grid.left, 16.0);
  const double step = chart.sheet.width * 0.42 / kHeatLevels;
  std::string out;
  for (int level = 0; level < kHeatLevels; ++level) {
    out += fmt::format("<rect class=\"h{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"8\"/>", level,
                       coordinate(left + step * level), coordinate(y), coordinate(step + 0.3));
  }
  out += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\">{}</text>", coordinate(left), coordinate(y + 22),
                     escape(explained(chart, grid.scale->low)));
  out += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                     coordinate(left + step * kHeatLevels), coordinate(y + 22),
                     escape(explained(chart, grid.scale->high)));
  if (!chart.diagonal_apart) return out;
  out += fmt::format(
      "<rect class=\"apart\" x=\"{0}\" y=\"{1}\" width=\"12\" height=\"8\"/><text class=\"tick\" x=\"{2}\" "
      "y=\"{3}\">diagonal</text>",
      coordinate(left + step * kHeatLevels + 16), coordinate(y), coordinate(left + step * kHeatLevels + 34),
      coordinate(y + 8));
  return out;
}

}  // namespace

std::string draw(const HeatMap& chart) {
  const Grid grid = lay_out(chart);
  Sheet sheet = chart.sheet;
  const double bottom = grid.top + grid.height * static_cast<double>(chart.rows.size());
  sheet.height = bottom + kScale;
  std::string out = open_svg(sheet) + names(chart, grid);
  for (std::size_t i = 0; i < std::min(chart.rows.size(), chart.values.size()); ++i) {
    for (std::size_t j = 0; j < std::min(chart.columns.size(), chart.values[i].size()); ++j)
      out += cell(chart, grid, i, j);
  }
  return out + scale(chart, grid, bottom + 10) + "</svg>";
}

}  // namespace tempera::cli::report
