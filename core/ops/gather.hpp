// Selecting by index.
#pragma once

#include <cstdint>
#include <span>

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// Position i of the result's `axis` is position indices[i] of x's; an index may occur repeatedly, its gradients add up.
/// Throws ShapeError for an axis or index outside of the shape.
[[nodiscard]] Variable index_select(const Variable& x, int axis, std::span<const std::int64_t> indices);

/// One element of each row: x [rows, columns], columns [rows] → [rows], y[r] = x[r, columns[r]]. Throws ShapeError.
[[nodiscard]] Variable pick(const Variable& x, std::span<const std::int32_t> columns);

}  // namespace tempera::core
