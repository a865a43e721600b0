#include "tempera/apps/bench/peak.hpp"

#include <algorithm>
#include <atomic>

#include "tempera/apps/bench/measure.hpp"
#include "tempera/core/kernels/peak.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::cli::bench {
namespace {

// Several chunks a thread, so that one that is disturbed is helped by the others.
double attempt(std::int64_t rounds) {
  const std::int64_t chunks = 8LL * core::thread_count();
  std::atomic<std::int64_t> done = 0;
  const auto start = Clock::now();
  core::parallel_for(chunks, 1, [&, level = core::kernels().level](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      auto value = static_cast<Scalar>(chunk);
      done += core::multiply_adds_in_registers(level, rounds, value);
    }
  });
  return 2 * static_cast<double>(done) / seconds_since(start);
}

}  // namespace

double peak_flop_rate(double seconds) {
  constexpr std::int64_t kRounds = 50000;  // some 0.2 ms a chunk
  const auto start = Clock::now();
  double best = 0;
  do best = std::max(best, attempt(kRounds));
  while (seconds_since(start) < seconds);
  return best;
}

}  // namespace tempera::cli::bench
