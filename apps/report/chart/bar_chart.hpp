// Bars over named categories, grouped or stacked; and bars over the bins of a number (histogram).
#pragma once

#include <string>
#include <vector>

#include "tempera/apps/report/chart/plot.hpp"

namespace tempera::cli::report {

struct BarSeries {
  std::string name;
  std::vector<double> values;  ///< one for each category
  std::size_t color = 0;
};

enum class BarMode { grouped, stacked };

struct BarChart {
  Sheet sheet;
  std::vector<std::string> categories;
  Axis y{.min = 0.0};
  std::string x_label;
  std::vector<BarSeries> series;
  BarMode mode = BarMode::grouped;
  int emphasis = -1;     ///< with a single series: this category keeps its colour, the others turn grey
  int value_digits = 0;  ///< > 0 with a single series: values printed above the bars, with that many digits
};

[[nodiscard]] std::string draw(const BarChart& chart);

struct Histogram {
  Sheet sheet;
  std::vector<double> edges;   ///< bins + 1, rising
  std::vector<double> counts;  ///< bins
  Axis x{.tight = true};
  Axis y{.min = 0.0};
  std::string bin_name = "count";  ///< for tooltips
  bool diagonal = false;           ///< the line y = x, for reliability diagrams
};

[[nodiscard]] std::string draw(const Histogram& chart);

}  // namespace tempera::cli::report
