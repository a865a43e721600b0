#include "tempera/apps/experiment/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace tempera::cli {
namespace {

constexpr double kZ95 = 1.959963984540054;  // normal quantile of 0.975

double log_choose(double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }

// The continued fraction of the incomplete beta function, by Lentz's method (Press et al., Numerical Recipes, §6.4).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kTerms = 500;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double fraction = d;
  for (int m = 1; m <= kTerms; ++m) {
    const double before = fraction;
    for (const bool odd : {false, true}) {
      const double term = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                              : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      if (std::abs(c) < kTiny) c = kTiny;
      fraction *= c * d;
    }
    if (std::abs(fraction - before) < 1e-15 * std::abs(fraction)) break;
  }
  return fraction;
}

// I_x(a, b)
double incomplete_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

// The probability that Student's t stays below `t` ≥ 0.
double t_below(double t, double degrees) {
  return 1 - incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2;
}

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

double t_quantile(double p, double degrees) {
  if (p < 0.5) return -t_quantile(1 - p, degrees);
  double low = 0, high = 1;
  while (t_below(high, degrees) < p) high *= 2;
  // Halving until neighbouring doubles are left.
  for (double middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    (t_below(middle, degrees) < p ? low : high) = middle;
  }
  return high;
}

Mean mean_of(std::span<const double> numbers) {
  Mean result{.n = static_cast<std::int64_t>(numbers.size())};
  if (numbers.empty()) return result;
  const auto n = static_cast<double>(numbers.size());
  for (const double x : numbers) result.mean += x / n;
  if (numbers.size() < 2) return result;
  double squares = 0;
  for (const double x : numbers) squares += (x - result.mean) * (x - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  const double half = t_quantile(0.975, n - 1) * result.deviation / std::sqrt(n);
  result.interval = {.low = result.mean - half, .high = result.mean + half};
  return result;
}

}  // namespace tempera::cli
