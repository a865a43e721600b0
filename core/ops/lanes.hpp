// Sums in a fixed order that the compiler can nevertheless compute several terms at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tempera/core/scalar.hpp"

namespace tempera::core {

/// Σ term(i) over [0, n): sixteen running sums, then their sum. Floating-point addition may not be reordered by the
/// compiler, so this is the order in which it can use vectors.
template <class Term>
[[nodiscard]] Scalar lane_sum(std::int64_t n, Term term) {
  constexpr std::int64_t kLanes = 16;
  std::array<Scalar, kLanes> lanes{};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[static_cast<std::size_t>(l)] += term(i + l);
  }
  for (std::int64_t l = 0; i < n; ++i, ++l) lanes[static_cast<std::size_t>(l)] += term(i);
  for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::size_t l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

}  // namespace tempera::core
