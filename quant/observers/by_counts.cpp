// Observers that choose a range from the counts of values.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tempera/core/fields.hpp"
#include "tempera/quant/finite_scale.hpp"
#include "tempera/quant/observers/histogram.hpp"

namespace tempera::quant {
namespace {

struct NoConfig {
  void fields(core::FieldVisitor& /*v*/) {}
};

// The range that all but (100 − percentile) % of the values lie in, shared between its two ends.
class Percentile final : public HistogramObserver {
 public:
  struct Config {
    double percentile = 99.99;
    void fields(core::FieldVisitor& v) {
      v.field("percentile", percentile,
              {.help = "share of the values that the range covers", .unit = "%", .min = 50, .max = 100});
    }
  };
  Percentile(const Config& config, const ObserverFacts& facts)
      : HistogramObserver(facts), outside_((1 - config.percentile / 100) / 2) {}

 private:
  [[nodiscard]] Range choose(const Seen& seen) const override {
    double total = 0;
    for (const std::int64_t count : seen.counts) total += static_cast<double>(count);
    // Values of one sign are cut at one end.
    const double limit = outside_ * total * (seen.ends.low >= 0 || seen.ends.high <= 0 ? 2 : 1);
    std::int64_t low = 0, high = kBins - 1;
    for (double below = 0; low < high && (below += counted(seen, low)) <= limit;) ++low;
    for (double above = 0; high > low && (above += counted(seen, high)) <= limit;) --high;
    const double half = seen.width / 2;
    return {seen.ends.low >= 0 ? seen.ends.low : nearest_finite(seen.centre(low) - half),
            seen.ends.high <= 0 ? seen.ends.high : nearest_finite(seen.centre(high) + half)};
  }
  static double counted(const Seen& seen, std::int64_t bin) {
    return static_cast<double>(seen.counts[static_cast<std::size_t>(bin)]);
  }
  double outside_;
};

// The share of the ends, in hundredths, that makes Σ (x̂ − x)² smallest.
class MeanSquaredError final : public HistogramObserver {
 public:
  using Config = NoConfig;
  MeanSquaredError(const Config& /*config*/, const ObserverFacts& facts) : HistogramObserver(facts) {}

 private:
  [[nodiscard]] Range choose(const Seen& seen) const override {
    const Moments moments(seen);
    Range best = seen.ends;
    double least = std::numeric_limits<double>::infinity();
    for (int percent = 100; percent >= 5; percent -= percent > 20 ? 2 : 1) {
      const Range candidate = shrunk(seen.ends, percent / 100.0);
      const double error = squared_error(moments, candidate);
      if (error < least) {
        least = error;
        best = candidate;
      }
    }
    return best;
  }
};

// Alternates between the nearest integers at a scale and the scale Σ x·q / Σ q² that fits them best (Lloyd's iteration), from
// several shares of the ends, and takes the best end. Symmetric about 0 by its nature.
class LeastSquares final : public HistogramObserver {
 public:
  using Config = NoConfig;
  LeastSquares(const Config& /*config*/, const ObserverFacts& facts) : HistogramObserver(facts) {
    set_range(params_, facts.bits, facts.is_signed, facts.narrow);
  }

 private:
  [[nodiscard]] Range choose(const Seen& seen) const override {
    const Moments moments(seen);
    const double largest = std::max(-static_cast<double>(seen.ends.low), static_cast<double>(seen.ends.high));
    double best = largest, least = std::numeric_limits<double>::infinity();
    for (const double share : {1.0, 0.75, 0.55, 0.4, 0.3}) {
      const double scale = settled(moments, share * largest / params_.qmax);
      const double error = error_at(moments, scale);
      if (error < least) {
        least = error;
        best = scale * params_.qmax;
      }
    }
    return {-nearest_finite(best), nearest_finite(best)};
  }
  [[nodiscard]] double settled(const Moments& moments, double scale) const {
    constexpr int kRounds = 8;
    for (int round = 0; round < kRounds; ++round) {
      double xq = 0, qq = 0;
      moments.by_level(scale, 0, params_.qmin, params_.qmax, [&](double q, const Sums& s) {
        xq += q * s.x;
        qq += q * q * s.count;
      });
      if (qq == 0 || xq <= 0) break;
      if (std::exchange(scale, xq / qq) == xq / qq) break;  // it has settled
    }
    return scale;
  }
  [[nodiscard]] double error_at(const Moments& moments, double scale) const {
    double sum = 0;
    moments.by_level(scale, 0, params_.qmin, params_.qmax,
                     [&](double q, const Sums& s) { sum += s.squared_error(q * scale); });
    return sum;
  }
  QParams params_;
};

// The clipping whose quantized distribution loses the least information (Migacz 2017, "8-bit inference with TensorRT"):
// KL(P ‖ Q), P the counts with what is clipped added to the outermost bins, Q the same counts spread evenly over each level.
class Entropy final : public HistogramObserver {
 public:
  using Config = NoConfig;
  Entropy(const Config& /*config*/, const ObserverFacts& facts) : HistogramObserver(facts) {}

 private:
  [[nodiscard]] Range choose(const Seen& seen) const override {
    Range best = seen.ends;
    double least = std::numeric_limits<double>::infinity();
    for (int percent = 100; percent >= 10; percent -= 2) {
      const Range candidate = shrunk(seen.ends, percent / 100.0);
      const double divergence = divergence_at(seen, candidate);
      if (divergence < least) {
        least = divergence;
        best = candidate;
      }
    }
    return best;
  }
  [[nodiscard]] double divergence_at(const Seen& seen, Range range) const {
    QParams params;
    set_range(params, facts().bits, facts().is_signed, facts().narrow);
    set_scale(params, 0, range, {.symmetric = facts().symmetric});
    const auto level = [&](std::int64_t bin) {
      return static_cast<std::size_t>(params.quantize(nearest_finite(seen.centre(bin))) - params.qmin);
    };
    const auto inside = [&](std::int64_t bin) {
      const double x = seen.centre(bin);
      return x >= static_cast<double>(range.low) && x <= static_cast<double>(range.high);
    };
    const auto levels = static_cast<std::size_t>(params.qmax - params.qmin) + 1;
    std::vector<double> mass(levels, 0), occupied(levels, 0), clipped(levels, 0);
    double total = 0;
    for (std::int64_t i = 0; i < kBins; ++i) {
      const auto count = static_cast<double>(seen.counts[static_cast<std::size_t>(i)]);
      if (count == 0) continue;
      total += count;
      if (!inside(i)) {
        clipped[level(i)] += count;
        continue;
      }
      mass[level(i)] += count;
      occupied[level(i)] += 1;
    }
    double divergence = 0, kept = 0;
    for (const double m : mass) kept += m;
    if (kept == 0) return std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < kBins; ++i) {
      const auto count = static_cast<double>(seen.counts[static_cast<std::size_t>(i)]);
      if (count == 0 || !inside(i)) continue;
      const std::size_t q = level(i);
      const double p = (count + clipped[q] / occupied[q]) / total;
      divergence += p * std::log(p / (mass[q] / occupied[q] / kept));
    }
    // What is clipped into a level that holds nothing else would be infinitely surprising to Q: it is given a trace of a count.
    constexpr double kTrace = 1e-4;
    for (std::size_t q = 0; q < levels; ++q) {
      if (clipped[q] > 0 && occupied[q] == 0) divergence += clipped[q] / total * std::log(clipped[q] / kTrace);
    }
    return divergence;
  }
};

}  // namespace

void add_by_counts_observer(ObserverRegistry& registry) {
  registry.add<Percentile>("percentile", "the range that all but a few values lie in");
  registry.add<MeanSquaredError>("mse", "the range with the smallest mean squared error");
  registry.add<LeastSquares>("least_squares", "the scale that fits its own integers best, by alternation");
  registry.add<Entropy>("entropy", "the range that loses the least information (KL divergence)");
}

}  // namespace tempera::quant
