// Rates from repeated windows: the machine is shared, so the best of several windows is quoted, as the peers do.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "tempera/core/profile.hpp"

namespace tempera::cli::bench {

constexpr int kWindows = 3;
constexpr int kWarmUp = 20;

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A few calls, or fewer if they take `seconds`, so that memory and caches are as they stay.
inline void warm_up(double seconds, const std::function<void()>& work) {
  const auto start = Clock::now();
  for (int i = 0; i < kWarmUp && seconds_since(start) < seconds; ++i) work();
}

/// Calls `work` (which does `units` units a call) for `seconds` in all and returns every window's units per second.
inline std::vector<double> window_rates(double seconds, std::int64_t units, const std::function<void()>& work) {
  warm_up(seconds / kWindows, work);
  std::vector<double> rates;
  for (int window = 0; window < kWindows; ++window) {
    const auto start = Clock::now();
    std::int64_t done = 0;
    do {
      work();
      done += units;
    } while (seconds_since(start) < seconds / kWindows);
    rates.push_back(static_cast<double>(done) / seconds_since(start));
  }
  return rates;
}

/// The best window's.
inline double best_rate(double seconds, std::int64_t units, const std::function<void()>& work) {
  return std::ranges::max(window_rates(seconds, units, work));
}

/// Calls `work` for `seconds` under the profile and returns how often.
inline std::int64_t profile_steps(core::Profile& profile, double seconds, const std::function<void()>& work) {
  warm_up(seconds, work);
  const core::Profiling on(profile);
  const auto start = Clock::now();
  std::int64_t steps = 0;
  do {
    work();
    ++steps;
  } while (seconds_since(start) < seconds);
  return steps;
}

}  // namespace tempera::cli::bench
