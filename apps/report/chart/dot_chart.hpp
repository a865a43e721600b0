// Every measurement a dot, every group a row, with its mean and interval: studies and comparisons of runs.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "tempera/apps/report/chart/plot.hpp"

namespace tempera::cli::report {

struct DotGroup {
  std::string name;
  std::vector<double> values;  ///< one dot each
  double mean = std::nan("");  ///< not a number: no mean mark
  double low = std::nan("");   ///< with `high`, the interval drawn behind the dots
  double high = std::nan("");
  std::size_t color = 0;
};

struct DotChart {
  Sheet sheet{.height = 0};  ///< height 0: it follows from the number of groups
  Axis x{.grid = true};
  std::vector<DotGroup> groups;  ///< from top to bottom
  /// Between which values can lie at all, such as 0 and 1 for accuracies: then the axis follows the dots (where values may be
  /// below 0, and 0), and intervals that go on beyond it end in an arrow.
  std::optional<Range> limits = {};
};

[[nodiscard]] std::string draw(const DotChart& chart);

/// Points over two numbers, one series a colour and marker.
struct Scatter {
  Sheet sheet;
  Axis x;
  Axis y;
  struct Cloud {
    std::string name;
    std::vector<double> x;
    std::vector<double> y;
    Stroke stroke{.marker = Marker::circle};
  };
  std::vector<Cloud> clouds;
};

[[nodiscard]] std::string draw(const Scatter& chart);

}  // namespace tempera::cli::report
