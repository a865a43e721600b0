// Arithmetic of extents.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tempera::core {

// Of numbers that are not negative, and a divisor above 0.
[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) noexcept { return (a + b - 1) / b; }
[[nodiscard]] constexpr std::int64_t round_up(std::int64_t a, std::int64_t unit) noexcept {
  return ceil_div(a, unit) * unit;
}
/// A step of at most `limit`, but a multiple of `unit`, that cuts n > 0 into pieces as equal as can be.
[[nodiscard]] constexpr std::int64_t even_step(std::int64_t n, std::int64_t limit, std::int64_t unit) noexcept {
  return round_up(ceil_div(n, ceil_div(n, std::max(limit, unit))), unit);
}

}  // namespace tempera::core
