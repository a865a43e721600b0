// Rates from repeated windows: the machine is shared, so the best of several windows is quoted, as the peers do.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

namespace tempera::cli::bench {

constexpr int kWindows = 3;
constexpr int kWarmUp = 20;

/// Calls `work` (which does `units` units a call) for `seconds` in all and returns the best window's units per second.
inline double best_rate(double seconds, std::int64_t units, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto elapsed = [](Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  };
  const auto warm = Clock::now();
  for (int i = 0; i < kWarmUp && elapsed(warm) < seconds / kWindows; ++i) work();
  double best = 0;
  for (int window = 0; window < kWindows; ++window) {
    const auto start = Clock::now();
    std::int64_t done = 0;
    do {
      work();
      done += units;
    } while (elapsed(start) < seconds / kWindows);
    best = std::max(best, static_cast<double>(done) / elapsed(start));
  }
  return best;
}

}  // namespace tempera::cli::bench
