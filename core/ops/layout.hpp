// Operations that move values and compute nothing.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// The same values in row-major order under another shape; shares storage. Throws ShapeError unless the element counts
/// agree.
[[nodiscard]] Variable reshape(const Variable& x, const Shape& shape);
/// Result axis i is axis axes[i] of x. Throws ShapeError unless `axes` is a permutation.
[[nodiscard]] Variable permute(const Variable& x, const std::vector<int>& axes);
/// Two axes exchanged.
[[nodiscard]] Variable transpose(const Variable& x, int first = -2, int second = -1);
/// Elements [begin, end) of an axis. Throws ShapeError unless 0 ≤ begin ≤ end ≤ extent.
[[nodiscard]] Variable slice(const Variable& x, int axis, std::int64_t begin, std::int64_t end);
/// Joins along an axis; the other extents must agree. Throws ShapeError, also for an empty list.
[[nodiscard]] Variable concat(std::span<const Variable> parts, int axis);
/// Surrounds x with `value`: {before, after} for each axis. Throws ShapeError for negative counts or another rank.
[[nodiscard]] Variable pad(const Variable& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths,
                           double value = 0.0);

}  // namespace tempera::core
