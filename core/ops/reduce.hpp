// Reductions over some or all axes.
#pragma once

#include <vector>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// Over the given axes (negative ones count from the end), or over all if there are none. The reduced axes disappear, or
/// stay with extent 1 if `keep_axes`. Throws ShapeError for an axis outside of the rank or named twice.
[[nodiscard]] Variable sum(const Variable& x, const std::vector<int>& axes = {}, bool keep_axes = false);
/// As `sum`, divided by the count. Throws ShapeError if there is nothing to average.
[[nodiscard]] Variable mean(const Variable& x, const std::vector<int>& axes = {}, bool keep_axes = false);
/// The largest element; the first of equals receives the gradient. NaN if any is NaN. Throws ShapeError if there is
/// nothing to choose from.
[[nodiscard]] Variable max(const Variable& x, const std::vector<int>& axes = {}, bool keep_axes = false);

}  // namespace tempera::core
