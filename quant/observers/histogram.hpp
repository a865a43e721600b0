// Counts of values in equal bins over a range that grows with them: what observers choose a range from that need more than its
// ends.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tempera/quant/observer.hpp"

namespace tempera::quant {

/// 2048 bins over [−reach, reach) for each channel; reach is the smallest power of two above all magnitudes, and doubles,
/// neighbours being merged, when one does not lie below it. Counts are exact up to 2^48, and do not depend on how values were
/// divided into observations.
class HistogramObserver : public Observer {
 public:
  static constexpr std::int64_t kBins = 2048;
  static constexpr std::int64_t kMiddle = kBins / 2;  ///< the bin that begins at 0

  explicit HistogramObserver(const ObserverFacts& facts);
  void observe(std::int64_t channel, std::span<const Scalar> values) override;
  void reset() override;
  [[nodiscard]] bool ready() const override;
  /// The observed ends if all values are one, else what choose() makes of the counts, never beyond the ends.
  [[nodiscard]] Range range(std::int64_t channel) const override;
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override;

 protected:
  /// What was seen of a channel.
  struct Seen {
    Range ends;
    double width;                          ///< of a bin
    std::span<const std::int64_t> counts;  ///< [kBins], the first bin from −reach on
    [[nodiscard]] double centre(std::int64_t bin) const noexcept {
      return (static_cast<double>(bin - kMiddle) + 0.5) * width;
    }
  };
  /// Σ 1, Σ x and Σ x² over the values of neighbouring bins, each value standing at its bin's centre.
  struct Sums {
    double count = 0, x = 0, xx = 0;
    /// Σ (y − x)²
    [[nodiscard]] double squared_error(double y) const noexcept { return y * y * count - 2 * y * x + xx; }
  };
  /// Running sums of what was seen, so that the values of a level are summed by one subtraction.
  class Moments {
   public:
    explicit Moments(const Seen& seen);
    /// Calls fn(q, sums) for the integers q = clamp(round(x/scale) + zero, low, high) that values round to: level by level,
    /// of which some may be empty, or bin by bin where fewer bins hold values than there are levels between them. No turn
    /// waits for the one before it.
    template <class Fn>
    void by_level(double scale, double zero, double low, double high, const Fn& fn) const {
      const auto level = [&](std::int64_t bin) {
        return std::clamp(round_to(seen_.centre(bin) / scale, Rounding::kHalfEven) + zero, low, high);
      };
      if (static_cast<double>(filled_.size()) * scale < static_cast<double>(last_ - first_) * seen_.width) {
        for (const std::int64_t bin : filled_) fn(level(bin), between(bin, bin + 1));
        return;
      }
      double q = first_ < last_ ? level(first_) : high;
      for (std::int64_t from = first_, next = from; from < last_; from = next, ++q) {
        next = q < high ? end_of_level(q - zero, scale) : last_;
        fn(q, between(from, next));
      }
    }

   private:
    /// The first bin whose centre rounds to more than `steps`; halves round to even. Widths are powers of two.
    [[nodiscard]] std::int64_t end_of_level(double steps, double scale) const noexcept {
      const double bin = (steps + 0.5) * scale * (1 / seen_.width) + (kMiddle - 0.5);
      const auto below =
          static_cast<std::int64_t>(std::clamp(bin, static_cast<double>(first_), static_cast<double>(last_)));
      const bool exact = static_cast<double>(below) == bin;
      const bool stays = !exact || std::fmod(steps, 2) == 0;
      return std::min(below + (stays ? 1 : 0), last_);
    }
    [[nodiscard]] Sums between(std::int64_t begin, std::int64_t end) const noexcept {
      const Sums &from = sums_[static_cast<std::size_t>(begin)], &to = sums_[static_cast<std::size_t>(end)];
      return {to.count - from.count, to.x - from.x, to.xx - from.xx};
    }
    Seen seen_;
    std::int64_t first_ = 0, last_ = 0;  // the bins from first_ to before last_ hold all values
    std::vector<std::int64_t> filled_;   // bins that hold values
    std::vector<Sums> sums_;             // [kBins + 1], of the bins before
  };
  [[nodiscard]] virtual Range choose(const Seen& seen) const = 0;
  [[nodiscard]] const ObserverFacts& facts() const noexcept { return facts_; }
  /// Σ (x̂ − x)² over the counts, for integers that cover the range.
  [[nodiscard]] double squared_error(const Moments& moments, Range range) const;
  /// The ends times `share`; for a symmetric grid both are the larger one's.
  [[nodiscard]] Range shrunk(Range ends, double share) const noexcept;

 private:
  void grow(std::int64_t channel, double largest);
  [[nodiscard]] std::vector<std::int64_t> counts(std::int64_t channel) const;
  void set_counts(std::int64_t channel, std::span<const std::int64_t> counts);

  ObserverFacts facts_;
  // A count is a Scalar below 2^24, so that it can be saved and 1 can be added to it, and a carry in units of that.
  core::Variable counts_, carries_;    // [channels, kBins]
  core::Variable reach_, low_, high_;  // [channels]; a reach of 0: nothing seen
};

}  // namespace tempera::quant
