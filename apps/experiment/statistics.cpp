#include "tempera/apps/experiment/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace tempera::cli {
namespace {

constexpr double kZ95 = 1.959963984540054;  // normal quantile of 0.975

double log_choose(double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }

}  // namespace

Interval wilson_interval(std::int64_t k, std::int64_t n) {
  if (n == 0) return {.low = 0, .high = 1};
  const auto trials = static_cast<double>(n);
  const double rate = static_cast<double>(k) / trials;
  const double z2 = kZ95 * kZ95;
  const double centre = (rate + z2 / (2 * trials)) / (1 + z2 / trials);
  const double half = kZ95 / (1 + z2 / trials) * std::sqrt(rate * (1 - rate) / trials + z2 / (4 * trials * trials));
  return {.low = std::max(0.0, centre - half), .high = std::min(1.0, centre + half)};
}

double mcnemar_p(const PairedCounts& counts) {
  const std::int64_t discordant = counts.only_first_wrong + counts.only_second_wrong;
  const std::int64_t fewer = std::min(counts.only_first_wrong, counts.only_second_wrong);
  if (discordant == 0) return 1;
  const auto trials = static_cast<double>(discordant);
  double tail = 0;
  for (std::int64_t k = 0; k <= fewer; ++k) {
    tail += std::exp(log_choose(trials, static_cast<double>(k)) - trials * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

Interval paired_difference(const PairedCounts& counts) {
  const double n = static_cast<double>(counts.n) + 2;
  const double first = (static_cast<double>(counts.only_first_wrong) + 0.5) / n;
  const double second = (static_cast<double>(counts.only_second_wrong) + 0.5) / n;
  const double difference = second - first;
  const double half = kZ95 * std::sqrt((first + second - difference * difference) / n);
  return {.low = std::max(-1.0, difference - half), .high = std::min(1.0, difference + half)};
}

}  // namespace tempera::cli
