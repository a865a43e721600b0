// Counts of values in equal bins over a range that grows with them: what observers choose a range from that need more than its
// ends.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tempera/quant/observer.hpp"

namespace tempera::quant {

/// 2048 bins over [−reach, reach] for each channel; reach is a power of two above all values, and doubles, neighbours being
/// merged, when one lies beyond it. Counts do not depend on how values were divided into observations.
class HistogramObserver : public Observer {
 public:
  static constexpr std::int64_t kBins = 2048;

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
    double width;                    ///< of a bin
    std::span<const Scalar> counts;  ///< [kBins], the first bin from −reach on
    [[nodiscard]] double centre(std::int64_t bin) const noexcept {
      return (static_cast<double>(bin - kBins / 2) + 0.5) * width;
    }
  };
  [[nodiscard]] virtual Range choose(const Seen& seen) const = 0;
  [[nodiscard]] const ObserverFacts& facts() const noexcept { return facts_; }
  /// Σ (x̂ − x)² over the counts, for integers that cover the range.
  [[nodiscard]] double squared_error(const Seen& seen, Range range) const;
  /// The ends times `share`; for a symmetric grid both are the larger one's.
  [[nodiscard]] Range shrunk(Range ends, double share) const noexcept;

 private:
  void grow(std::int64_t channel, double largest);

  ObserverFacts facts_;
  core::Variable counts_, reach_, low_, high_;  // [channels, kBins], [channels] × 3; a reach of 0: nothing seen
};

}  // namespace tempera::quant
