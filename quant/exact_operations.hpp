// Integers from integers, for the exact forward pass: what stands between its products.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tempera/core/ops/pool2d.hpp"
#include "tempera/quant/exact_value.hpp"
#include "tempera/quant/requantize.hpp"

namespace tempera::quant {

[[nodiscard]] inline ExactValue::Values exact_values(std::vector<std::int32_t> values) {
  return std::make_shared<const std::vector<std::int32_t>>(std::move(values));
}

/// fn(q, position within the sample) of every number.
template <class Fn>
[[nodiscard]] ExactValue::Values mapped(const ExactValue& x, Fn fn) {
  std::vector<std::int32_t> y(x.q->size());
  const auto each = static_cast<std::size_t>(x.shape.numel());
  for_images(static_cast<std::int64_t>(y.size() / each), [&](std::int64_t image) {
    const std::size_t first = static_cast<std::size_t>(image) * each;
    for (std::size_t i = 0; i < each; ++i) y[first + i] = fn((*x.q)[first + i], i);
  });
  return exact_values(std::move(y));
}

/// (q − z)·scale on another grid, within `kept`; by its thresholds where it has them. UnsupportedError names `label`.
[[nodiscard]] ExactValue::Values requantized(const std::string& label, const ExactValue& x, const QParams& grid,
                                             IntegerRange kept, RequantMode mode);

/// a + b on a grid: one rounding, half away from zero, of the sum by add_multipliers.
[[nodiscard]] ExactValue::Values exact_sum(const std::string& label, const ExactValue& a, const ExactValue& b,
                                           const QParams& grid, IntegerRange kept);

/// Parts one after the other within each image.
[[nodiscard]] ExactValue::Values side_by_side(std::span<const ExactValue::Values> parts, std::int64_t images);

/// fn of the cells of each window that lie inside of the image.
using Pooling = std::function<std::int32_t(std::span<const std::int32_t>)>;
[[nodiscard]] ExactValue pooled(const ExactValue& x, const core::Shape& result, const core::Pool2dOptions& options,
                                const Pooling& fn);

}  // namespace tempera::quant
