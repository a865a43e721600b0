// Observers that keep a few numbers a channel: moving averages of the ends, and N standard deviations about the mean.
#include <algorithm>
#include <cmath>

#include "tempera/core/fields.hpp"
#include "tempera/quant/finite_scale.hpp"
#include "tempera/quant/observers/ends.hpp"
#include "tempera/quant/observers/state.hpp"

namespace tempera::quant {
namespace {

// low ← low + rate·(batch's low − low), high likewise; the first batch sets both (Jacob et al. 2018, §3.1).
class MovingAverage final : public EndsObserver {
 public:
  struct Config {
    double rate = 0.01;
    void fields(core::FieldVisitor& v) {
      v.field("rate", rate, {.help = "share of the newest batch", .min = 0, .max = 1, .above_min = true});
    }
  };
  MovingAverage(const Config& config, const ObserverFacts& facts) : EndsObserver(facts), rate_(config.rate) {}

 private:
  void take(Range now, bool first, Scalar& low, Scalar& high) const noexcept override {
    // In double, where the difference of two float32 cannot overflow.
    const auto toward = [this, first](Scalar average, float newest) {
      const auto before = static_cast<double>(average), after = static_cast<double>(newest);
      return static_cast<Scalar>(first ? after : before + rate_ * (after - before));
    };
    low = toward(low, now.low);
    high = toward(high, now.high);
  }

  double rate_;
};

// mean ± n·σ of all values seen, within their ends. Moments are kept as count, mean and σ, merged batch by batch (Chan et al.
// 1979): a Σ (x − mean)² would leave float32 from σ = 1e19 on, and below 1e-23.
class StandardDeviations final : public Observer {
 public:
  struct Config {
    double n = 3;
    void fields(core::FieldVisitor& v) {
      v.field("n", n, {.help = "standard deviations on either side of the mean", .min = 0, .above_min = true});
    }
  };
  StandardDeviations(const Config& config, const ObserverFacts& facts)
      : n_(config.n),
        site_(facts.site),
        count_(zero_state({facts.channels})),
        mean_(zero_state({facts.channels})),
        deviation_(zero_state({facts.channels})),
        low_(zero_state({facts.channels})),
        high_(zero_state({facts.channels})) {}
  void observe(std::int64_t channel, std::span<const Scalar> values) override {
    if (values.empty()) return;
    const Range now = finite_range(values, site_);
    const bool first = state_at(count_, channel) == 0;
    state_at(low_, channel) =
        first ? static_cast<Scalar>(now.low) : std::min(state_at(low_, channel), static_cast<Scalar>(now.low));
    state_at(high_, channel) =
        first ? static_cast<Scalar>(now.high) : std::max(state_at(high_, channel), static_cast<Scalar>(now.high));
    double sum = 0, squares = 0;
    for (const Scalar x : values) sum += static_cast<double>(x);
    const auto count = static_cast<double>(values.size());
    const double mean = sum / count;
    for (const Scalar x : values) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
    const auto before = static_cast<double>(state_at(count_, channel));
    const auto old_mean = static_cast<double>(state_at(mean_, channel)),
               old_deviation = static_cast<double>(state_at(deviation_, channel));
    const double shift = mean - old_mean, all = before + count;
    squares += old_deviation * old_deviation * before + shift * shift * before * count / all;
    state_at(mean_, channel) = static_cast<Scalar>(old_mean + shift * count / all);
    state_at(deviation_, channel) = static_cast<Scalar>(std::sqrt(squares / all));
    state_at(count_, channel) = static_cast<Scalar>(all);
  }
  void reset() override {
    for (const core::Variable& state : {count_, mean_, deviation_}) {
      std::ranges::fill(state.mutable_value().mutable_values(), Scalar{0});
    }
  }
  [[nodiscard]] bool ready() const override {
    return std::ranges::all_of(count_.value().values(), [](Scalar count) { return count > 0; });
  }
  [[nodiscard]] Range range(std::int64_t channel) const override {
    const double spread = n_ * static_cast<double>(state_at(deviation_, channel));
    const auto mean = static_cast<double>(state_at(mean_, channel));
    return {std::max(static_cast<float>(state_at(low_, channel)), nearest_finite(mean - spread)),
            std::min(static_cast<float>(state_at(high_, channel)), nearest_finite(mean + spread))};
  }
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override {
    const std::string name = site_ + ".observer";
    return {{name + ".count", count_.shape(), count_, nn::Allowed::kNotNegative},
            {name + ".mean", mean_.shape(), mean_, nn::Allowed::kFinite},
            {name + ".deviation", deviation_.shape(), deviation_, nn::Allowed::kNotNegative},
            {name + ".low", low_.shape(), low_, nn::Allowed::kFinite},
            {name + ".high", high_.shape(), high_, nn::Allowed::kFinite}};
  }

 private:
  double n_;
  std::string site_;
  core::Variable count_, mean_, deviation_, low_, high_;
};

}  // namespace

void add_moments_observer(ObserverRegistry& registry) {
  registry.add<MovingAverage>("moving_average", "moving averages of the ends of each batch");
  registry.add<StandardDeviations>("standard_deviations", "mean ± n standard deviations");
}

}  // namespace tempera::quant
