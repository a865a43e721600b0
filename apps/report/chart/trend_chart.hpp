// Repeated measurements over a number: every run a dot, a line through the means, and the interval of each mean.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tempera/apps/report/chart/plot.hpp"

namespace tempera::cli::report {

struct TrendPoint {
  double x = 0;  ///< of the mean
  double mean = 0;
  double low = std::nan("");  ///< of the interval; not numbers: none
  double high = std::nan("");
  std::vector<std::pair<double, double>> runs;  ///< x and y
};

struct Trend {
  std::string name;
  std::vector<TrendPoint> points;  ///< by rising x where joined
  Stroke stroke;
  bool joined = true;
};

/// Trends stand a little beside each other: many have the same x, or nearly.
struct TrendChart {
  Sheet sheet;
  Axis x;
  Axis y;
  std::vector<Trend> trends;
  /// Between which y can lie at all: then the axis follows the runs, and whiskers that go on beyond it end in an arrow.
  std::optional<Range> limits = {};
};

[[nodiscard]] std::string draw(const TrendChart& chart);

}  // namespace tempera::cli::report
