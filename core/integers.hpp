// Arithmetic of extents.
#pragma once

#include <cstdint>

namespace tempera::core {

// Of numbers that are not negative, and a divisor above 0.
[[nodiscard]] constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) noexcept { return (a + b - 1) / b; }
[[nodiscard]] constexpr std::int64_t round_up(std::int64_t a, std::int64_t unit) noexcept {
  return ceil_div(a, unit) * unit;
}

}  // namespace tempera::core
