// The one form of an operation's complaint: "[op] rule, what was received".
#pragma once

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/scalar.hpp"
#include "tempera/core/shape.hpp"

template <>
struct fmt::formatter<tempera::core::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const tempera::core::Shape& shape, Context& context) const {
    return fmt::formatter<std::string>::format(shape.text(), context);
  }
};

namespace tempera::core {

/// Throws ShapeError "[op] …" unless `holds`. The text is only formatted when it is needed.
template <class... Args>
void require(bool holds, const char* op, fmt::format_string<Args...> text, Args&&... args) {
  if (holds) return;
  throw ShapeError(fmt::format("[{}] {}", op, fmt::format(text, std::forward<Args>(args)...)));
}

/// The same for a number outside of its range: ConfigError "[op] …".
template <class... Args>
void require_parameter(bool holds, const char* op, fmt::format_string<Args...> text, Args&&... args) {
  if (holds) return;
  throw ConfigError(fmt::format("[{}] {}", op, fmt::format(text, std::forward<Args>(args)...)));
}

/// The same for a number that has to stay positive and finite as a Scalar.
inline void require_positive(double value, const char* op, const char* what) {
  constexpr auto kMost = static_cast<double>(std::numeric_limits<Scalar>::max());
  require_parameter(value >= kLeastPositive && value <= kMost, op,
                    "{} must be above 0 in the precision of tensors (from {} to {:.3g}), received {}", what,
                    kLeastPositive, kMost, value);
}

/// 0 … rank−1 for an axis that may count from the end; ShapeError "[op] …" outside of the rank.
[[nodiscard]] inline int checked_axis(const char* op, int axis, const Shape& shape) {
  const int positive = axis < 0 ? axis + shape.rank() : axis;
  require(positive >= 0 && positive < shape.rank(), op, "axis {} is outside of shape {}", axis, shape);
  return positive;
}

}  // namespace tempera::core
