// Several series over one axis: training curves, measures against temperature, sweeps with bands.
#pragma once

#include <string>
#include <vector>

#include "tempera/apps/report/chart/plot.hpp"

namespace tempera::cli::report {

struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;    ///< as long as x; what is not finite leaves a gap
  std::vector<double> low;  ///< with `high`, a band (an interval, a range of runs); empty for none
  std::vector<double> high;
  Stroke stroke;
};

struct VerticalMark {
  double x = 0;
  std::string label;
};

struct LineChart {
  Sheet sheet;
  Axis x{.tight = true};
  Axis y;
  std::vector<Series> series;
  std::vector<VerticalMark> marks;  ///< each one's label a line below the one before it
  bool legend = true;               ///< drawn where there is more than one series
  bool name_lines = false;          ///< instead of a legend: names on the lines themselves, where they are far apart
};

[[nodiscard]] std::string draw(const LineChart& chart);

/// The stroke of the index-th of several series: colour, marker and dashes differ, so that colour is never alone.
[[nodiscard]] Stroke series_stroke(std::size_t index, bool markers);

}  // namespace tempera::cli::report
