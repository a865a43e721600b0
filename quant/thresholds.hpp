// Requantization by comparison: an integer is how many thresholds an accumulator reaches. It takes what fixed-point
// multiplication cannot: steps of unequal width, and signs, whose one threshold may have to be passed downwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tempera::quant {

/// n thresholds for all channels together or for each of them, and the way in which each channel passes them.
///   +1: reaches t where accumulator ≥ t        −1: reaches t where accumulator ≤ t
/// Batch norm with γ < 0 before a sign is n = 1 and direction −1.
struct Thresholds {
  std::vector<std::int32_t> values;         ///< [n] or [channels · n]; those of a channel never fall
  std::vector<std::int32_t> directions{1};  ///< [1] or [channels], +1 or −1

  friend bool operator==(const Thresholds&, const Thresholds&) = default;
};

/// How many of its n thresholds the accumulator reaches in `channel`: one comparison after the other.
[[nodiscard]] std::int32_t reached(const Thresholds& thresholds, std::int64_t n, std::int32_t accumulator,
                                   std::int64_t channel) noexcept;

/// The rule that n thresholds for `channels` break, or nothing.
[[nodiscard]] std::string fault_of(const Thresholds& thresholds, std::int64_t n, std::int64_t channels);

/// Those of channels [begin, begin + count), where each has its own.
[[nodiscard]] Thresholds part_of(const Thresholds& thresholds, std::int64_t n, std::int64_t begin, std::int64_t count);

/// Whether accumulator · scale ≥ threshold, decided as for exact real numbers.
[[nodiscard]] bool reaches(std::int32_t accumulator, double scale, double threshold) noexcept;

/// The smallest integer a with a · scale ≥ threshold, as exact real numbers have it: ⌈threshold / scale⌉ without the rounding
/// of the quotient. Within ±2^32: beyond, all of int32 reaches it, or nothing does. Needs scale > 0 and a finite threshold.
[[nodiscard]] std::int64_t first_reaching(double scale, double threshold) noexcept;

}  // namespace tempera::quant
