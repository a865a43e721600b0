// How sure one can be of a rate, and of a difference between two classifiers on the same samples.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace tempera::cli {

struct Interval {
  double low = 0, high = 0;
};

/// 95 % interval of a proportion (Wilson 1927): k of n, 0 ≤ k ≤ n; [0, 1] where n is 0.
[[nodiscard]] Interval wilson_interval(std::int64_t k, std::int64_t n);

/// Two classifiers on the same n samples.
struct PairedCounts {
  std::int64_t n = 0;
  std::int64_t only_first_wrong = 0;
  std::int64_t only_second_wrong = 0;
};

/// Two-sided exact McNemar test (McNemar 1947, binomial form): probability of a split at least this uneven among the
/// samples that only one of them gets wrong, if both were equally good. 1 where there is no such sample.
[[nodiscard]] double mcnemar_p(const PairedCounts& counts);

/// 95 % interval of (error rate of the second − of the first), for paired samples (Agresti and Min 2005: Wald with ½
/// added to each of the four cells).
[[nodiscard]] Interval paired_difference(const PairedCounts& counts);

/// The number that Student's t with so many degrees of freedom (≥ 1) stays below with probability p, 0 < p < 1.
[[nodiscard]] double t_quantile(double p, double degrees);

/// A mean of independent numbers.
struct Mean {
  std::int64_t n = 0;
  double mean = 0;
  double deviation = 0;              ///< of the numbers, with n − 1 in the denominator; 0 for one
  std::optional<Interval> interval;  ///< 95 %, by Student's t; none for fewer than two
};
[[nodiscard]] Mean mean_of(std::span<const double> numbers);

}  // namespace tempera::cli
