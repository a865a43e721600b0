// Weights on grids that are not equally spaced, or of their own threshold: ternary (Li et al. 2016, arXiv 1605.04711) and
// powers of two (Miyashita et al. 2016, arXiv 1603.01025).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/quantizers/bits_field.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

void expect_weight(const SiteFacts& site, const char* type) {
  if (site.is_weight()) return;
  throw core::ConfigError(fmt::format("site \"{}\": {} is for weights", site.name, type));
}

// Values become what integers(x) stands for; the derivative before quantization is used as it is.
class WeightGrid : public Quantizer {
 public:
  WeightGrid(const SiteFacts& site, std::int64_t slots) : site_(site), scale_(Tensor::zeros({slots})) {}
  [[nodiscard]] bool ready() const override {
    return std::ranges::all_of(scale_.value().values(), [](Scalar s) { return s > 0; });
  }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& context) override {
    return forward_within(x.value(), x, context);
  }
  [[nodiscard]] Variable forward_within(const Tensor& whole, const Variable& x, ForwardContext& /*context*/) override {
    const Integers all = integers_within(whole, x.value());
    Tensor y(x.shape());
    for (std::size_t i = 0; i < all.values.size(); ++i) {
      y.mutable_values()[i] = static_cast<Scalar>(
          all.params.dequantize(all.values[i], all.params.slot(static_cast<std::int64_t>(i), x.shape())));
    }
    return core::record_straight_through("weight_grid", std::move(y), x);
  }
  [[nodiscard]] Integers integers(const Tensor& x) const final { return integers_within(x, x); }
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override {
    return {{site_.name + ".scale", scale_.shape(), scale_, nn::Allowed::kPositiveOrUnset}};
  }

 protected:
  /// Of values x of the weight `whole`.
  [[nodiscard]] virtual Integers integers_within(const Tensor& whole, const Tensor& x) const = 0;
  [[nodiscard]] const SiteFacts& site() const noexcept { return site_; }
  // NaN compares as smaller than any threshold, and would pass for a weight.
  void expect_finite(const Tensor& x) const { static_cast<void>(finite_range(x.values(), site_.name)); }
  [[nodiscard]] float scale(std::size_t slot) const { return static_cast<float>(scale_.value().values()[slot]); }
  [[nodiscard]] std::size_t slots() const { return scale_.value().values().size(); }
  void set(std::size_t slot, double scale) const {
    scale_.mutable_value().mutable_values()[slot] =
        static_cast<Scalar>(std::max(static_cast<float>(scale), kSmallestScale));
  }
  [[nodiscard]] std::vector<float> scales() const {
    std::vector<float> all;
    for (std::size_t slot = 0; slot < slots(); ++slot) all.push_back(scale(slot));
    return all;
  }

 private:
  SiteFacts site_;
  Variable scale_;  // [slots]; 0: not known yet
};

// −α, 0, α: 0 where |w| ≤ Δ = 0.7·mean|w|, α the mean of |w| above it (Li et al. 2016, eq. 5–6).
class Ternary final : public WeightGrid {
 public:
  struct Config {
    bool per_channel = false;
    void fields(core::FieldVisitor& v) {
      v.field("per_channel", per_channel, {.help = "α and Δ for each output channel"});
    }
  };
  Ternary(const Config& config, const SiteFacts& site)
      : WeightGrid((expect_weight(site, "ternary"), site), config.per_channel ? site.shape[0] : 1) {}
  void observe(const Tensor& x) override {
    const std::size_t row = x.values().size() / slots();
    for (std::size_t slot = 0; slot < slots(); ++slot) {
      const std::span<const Scalar> values = x.values().subspan(slot * row, row);
      static_cast<void>(finite_range(values, site().name));
      const double limit = threshold(values);
      double sum = 0, count = 0;
      for (const Scalar w : values) {
        if (std::abs(static_cast<double>(w)) <= limit) continue;
        sum += std::abs(static_cast<double>(w));
        ++count;
      }
      set(slot, count > 0 ? sum / count : 1);
    }
  }
  [[nodiscard]] std::optional<QParams> params() const override {
    QParams params;
    set_range(params, 2, true, true);
    params.granularity = slots() > 1 ? Granularity::kChannel : Granularity::kTensor;
    params.scale = scales();
    params.zero_point.assign(slots(), 0);
    return params;
  }
  [[nodiscard]] int bits() const override { return 2; }

 private:
  [[nodiscard]] Integers integers_within(const Tensor& whole, const Tensor& x) const override {
    expect_finite(x);
    Integers result{.values = std::vector<std::int32_t>(x.values().size()), .params = known_params()};
    const std::size_t all = whole.values().size() / slots(), row = x.values().size() / slots();
    for (std::size_t slot = 0; slot < slots(); ++slot) {
      const double limit = threshold(whole.values().subspan(slot * all, all));
      for (std::size_t i = slot * row; i < (slot + 1) * row; ++i) {
        const auto w = static_cast<double>(x.values()[i]);
        result.values[i] = std::abs(w) <= limit ? 0 : w > 0 ? 1 : -1;
      }
    }
    return result;
  }
  static double threshold(std::span<const Scalar> values) {
    double sum = 0;
    for (const Scalar w : values) sum += std::abs(static_cast<double>(w));
    return values.empty() ? 0 : 0.7 * sum / static_cast<double>(values.size());
  }
};

// 0 and ±2^e with 2^(k−1) − 1 exponents, the largest nearest to max|w|: a sign and an exponent, so that products are shifts. As
// integers they are ±2^j, which fit 8 bits up to k = 4; more bits run in floats only.
class PowerOfTwoValues final : public WeightGrid {
 public:
  struct Config {
    std::int64_t bits = 4;
    void fields(core::FieldVisitor& v) { bits_field(v, bits, "bits of sign and exponent", 5); }
  };
  PowerOfTwoValues(const Config& config, const SiteFacts& site)
      : WeightGrid((expect_weight(site, "power_of_two_values"), site), 1),
        bits_(static_cast<int>(config.bits)),
        exponents_((1 << (bits_ - 1)) - 1) {}
  // The scale is the smallest power.
  void observe(const Tensor& x) override {
    const Range range = finite_range(x.values(), site().name);
    const double largest = std::max(-static_cast<double>(range.low), static_cast<double>(range.high));
    constexpr double kLastPower = 127;  // of a float32
    const double top = largest > 0 ? std::min(std::nearbyint(std::log2(largest)), kLastPower) : 0;
    set(0, std::exp2(std::max(top - (exponents_ - 1), -126.0)));
  }
  [[nodiscard]] std::optional<QParams> params() const override {
    QParams params;
    // ±2^(exponents − 1): 1 bit of sign, and exponents bits of magnitude.
    set_range(params, std::max(2, exponents_ + 1), true, true);
    params.qmax = 1 << (exponents_ - 1);
    params.qmin = -params.qmax;
    params.scale = scales();
    return params;
  }
  [[nodiscard]] int bits() const override { return bits_; }

 private:
  [[nodiscard]] Integers integers_within(const Tensor& /*whole*/, const Tensor& x) const override {
    expect_finite(x);
    Integers result{.values = {}, .params = known_params()};
    result.values.reserve(x.values().size());
    for (const Scalar w : x.values()) result.values.push_back(step_of(static_cast<double>(w)));
    return result;
  }
  // The nearest power by its logarithm; what is nearer to 0 than to the smallest power is 0.
  [[nodiscard]] std::int32_t step_of(double w) const {
    const double size = std::abs(w) / static_cast<double>(scale(0));
    if (!(size >= 0.5)) return 0;
    const double exponent = std::clamp(std::nearbyint(std::log2(size)), 0.0, exponents_ - 1.0);
    const auto power = static_cast<std::int32_t>(std::exp2(exponent));
    return w > 0 ? power : -power;
  }
  int bits_, exponents_;
};

}  // namespace

void add_value_grids(QuantizerRegistry& registry) {
  registry.add<Ternary>("ternary", "−α, 0 or α (Li et al. 2016)");
  registry.add<PowerOfTwoValues>("power_of_two_values", "0 and ± powers of two (Miyashita et al. 2016)");
}

}  // namespace tempera::quant
