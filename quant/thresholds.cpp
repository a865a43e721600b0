#include "tempera/quant/thresholds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tempera::quant {
namespace {

// fma rounds once, which never changes a sign.
bool reaches_exactly(double accumulator, double scale, double threshold) noexcept {
  return std::fma(accumulator, scale, -threshold) >= 0;
}

}  // namespace

std::int32_t reached(const Thresholds& thresholds, std::int64_t n, std::int32_t accumulator,
                     std::int64_t channel) noexcept {
  const bool shared = static_cast<std::int64_t>(thresholds.values.size()) == n;
  const std::int32_t* t = thresholds.values.data() + (shared ? 0 : channel * n);
  const bool upwards =
      thresholds.directions[thresholds.directions.size() == 1 ? 0 : static_cast<std::size_t>(channel)] > 0;
  std::int32_t count = 0;
  for (std::int64_t i = 0; i < n; ++i) count += (upwards ? accumulator >= t[i] : accumulator <= t[i]) ? 1 : 0;
  return count;
}

std::string fault_of(const Thresholds& thresholds, std::int64_t n, std::int64_t channels) {
  const auto count = static_cast<std::int64_t>(thresholds.values.size());
  const auto ways = static_cast<std::int64_t>(thresholds.directions.size());
  if (count != n && count != n * channels) {
    return fmt::format("has {} thresholds, needs {} (its integers less one) or as many for each of {} channels", count,
                       n, channels);
  }
  if (ways != 1 && ways != channels) return fmt::format("has {} directions, needs 1 or one for each channel", ways);
  if (!std::ranges::all_of(thresholds.directions, [](std::int32_t d) { return d == 1 || d == -1; })) {
    return "directions must be 1 or -1";
  }
  for (std::int64_t first = 0; first < count; first += n) {
    const auto begin = thresholds.values.begin() + first;
    if (!std::is_sorted(begin, begin + n)) return "the thresholds of a channel must not fall";
  }
  return {};
}

Thresholds part_of(const Thresholds& thresholds, std::int64_t n, std::int64_t begin, std::int64_t count) {
  Thresholds part = thresholds;
  if (static_cast<std::int64_t>(thresholds.values.size()) != n) {
    const auto first = thresholds.values.begin() + begin * n;
    part.values.assign(first, first + count * n);
  }
  if (thresholds.directions.size() != 1) {
    const auto first = thresholds.directions.begin() + begin;
    part.directions.assign(first, first + count);
  }
  return part;
}

bool reaches(std::int32_t accumulator, double scale, double threshold) noexcept {
  return reaches_exactly(accumulator, scale, threshold);
}

std::int64_t first_reaching(double scale, double threshold) noexcept {
  constexpr double kBeyond = 0x1p32;
  double a = std::clamp(std::ceil(threshold / scale), -kBeyond, kBeyond);
  // The quotient may have been rounded over an integer either way.
  while (a < kBeyond && !reaches_exactly(a, scale, threshold)) ++a;
  while (a > -kBeyond && reaches_exactly(a - 1, scale, threshold)) --a;
  return static_cast<std::int64_t>(a);
}

}  // namespace tempera::quant
