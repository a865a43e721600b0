// A matrix as coloured cells with their values: confusion, dark knowledge.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tempera/apps/report/chart/plot.hpp"

namespace tempera::cli::report {

struct HeatMap {
  Sheet sheet{.width = 360};  ///< the height follows from the rows; `height` is ignored
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::string row_label;  ///< what the rows are ("true class")
  std::string column_label;
  std::vector<std::vector<double>> values;     ///< [rows][columns]; missing cells stay blank
  std::function<std::string(double)> print;    ///< text of a cell; empty: no text
  std::function<std::string(double)> explain;  ///< value in tooltip and scale; empty: three digits
  /// The diagonal is not part of the scale and drawn apart (grey): what is off it is what one looks for.
  bool diagonal_apart = false;
  bool from_smallest = false;  ///< the scale starts at the smallest value on it, not at zero
};

[[nodiscard]] std::string draw(const HeatMap& chart);

}  // namespace tempera::cli::report
