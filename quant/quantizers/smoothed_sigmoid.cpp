// The staircase as a sum of sigmoids (Quantization Networks, Yang et al. 2019, arXiv 1911.09464):
//
//   Q_T(x) = δ·(Σ_{i=1..n} σ(T·(x/δ − b_i)) − m),   b_i = i − m − ½
//
// Activations: n = 2^k − 1 steps on [0, α], m = 0. Weights: n = 2m steps on [−α, α], m = 2^(k−1) − 1. δ = α/n, or α/m; α
// is learned, and β = 1/δ with it, so that the limit T → ∞ is a grid of integers at scale δ. Training sees the smooth form
// with its own derivative; evaluation sees the limit.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <type_traits>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

enum class Growth { kLinear, kExponential, kCosine, kConstant };
constexpr std::array<std::string_view, 4> kGrowths{"linear", "exponential", "cosine", "constant"};

// A sigmoid further from its step than this is 0 or 1 to within e^−reach, which is below the rounding of a sum of 65535.
constexpr double kReach = std::is_same_v<Scalar, double> ? 48 : 28;

// Up to this temperature e^z of one step follows from the step before by a factor, which stays within e^±(reach + T).
constexpr double kGentle = 20;

struct Stairs {
  double delta = 1;         // height and width of a step
  double temperature = 1;   // T
  double ratio = 1;         // e^T
  std::int32_t steps = 1;   // n
  std::int32_t middle = 0;  // m
};

struct Point {
  double sum = 0;    // Σ σ
  double slope = 0;  // Σ σ(1 − σ)
};

// At u = x/δ. Only steps within kReach/T of u are computed; those below count 1, those above 0.
Point at(double u, const Stairs& stairs) noexcept {
  const double position = u + stairs.middle + 0.5;  // step i is at i
  const double reach = kReach / stairs.temperature + 1;
  const double first = std::clamp(std::ceil(position - reach), 1.0, stairs.steps + 1.0);
  const double last = std::clamp(std::floor(position + reach), 0.0, static_cast<double>(stairs.steps));
  Point point{.sum = first - 1, .slope = 0};
  if (stairs.temperature <= kGentle) {
    double e = std::exp(stairs.temperature * (first - position));
    for (double i = first; i <= last; ++i, e *= stairs.ratio) {
      const double sigma = 1 / (1 + e);
      point.sum += sigma;
      point.slope += sigma * (1 - sigma);
    }
    return point;
  }
  for (double i = first; i <= last; ++i) {
    const double z = stairs.temperature * (position - i);
    const double e = std::exp(-std::abs(z));  // the symmetric form: never above 1
    const double small = e / (1 + e);
    point.sum += z >= 0 ? 1 - small : small;
    point.slope += small * (1 - small);
  }
  return point;
}

class SmoothedSigmoid final : public Quantizer {
 public:
  struct Config {
    std::int64_t bits = 4;
    double temperature = 4;
    Growth growth = Growth::kLinear;
    double rate = 1.5;
    std::int64_t over_epochs = 10;
    double max_temperature = 200;
    std::optional<double> alpha;
    core::Clonable<> observer;
    double learning_rate = 1;
    void fields(core::FieldVisitor& v) {
      v.field("bits", bits, {.help = "bits of the integers", .unit = "bits", .min = 2, .max = 16});
      v.field("temperature", temperature,
              {.help = "T0, the steepness of the steps in the first epoch", .min = 0, .above_min = true});
      v.choice(
          "growth", growth, kGrowths,
          {.help = "T after e epochs: (e + 1)·T0, T0·rate^e, half a cosine from T0 to max_temperature, or T0, which a "
                   "schedule may move"});
      v.field("rate", rate, {.help = "factor an epoch, for exponential", .min = 1});
      v.field("over_epochs", over_epochs, {.help = "epochs until the cosine ends", .unit = "epochs", .min = 1});
      v.field("max_temperature", max_temperature, {.help = "T never exceeds this", .min = 0, .above_min = true});
      v.field("alpha", alpha,
              {.help = "the largest value at first; not set: from what is observed first", .min = 1e-30, .max = 1e30});
      v.typed("observer", ObserverRegistry::builtin(), observer,
              {.help = "how the first α is chosen; not set: min_max"});
      v.field("learning_rate", learning_rate,
              {.help = "how fast α learns, as a multiple of the optimizer's rate over √(N·qmax), N the weights or the "
                       "features of a sample",
               .min = 0});
      v.rule(max_temperature >= temperature, "max_temperature", "must not be below \"temperature\"");
    }
  };

  SmoothedSigmoid(const Config& config, const SiteFacts& site)
      : config_(config), site_(site), alpha_(Tensor::full({1}, static_cast<Scalar>(config.alpha.value_or(0))), true) {
    set_range(grid_, static_cast<int>(config.bits), site.is_weight(), true);
    const ObserverFacts facts{.site = site.name,
                              .bits = grid_.bits,
                              .is_signed = grid_.is_signed,
                              .narrow = grid_.is_signed,
                              .symmetric = true};
    const ObserverRegistry& known = ObserverRegistry::builtin();
    observer_ = config.observer ? known.make(*config.observer, facts) : known.make(*known.create("min_max"), facts);
  }

  // The first values set α; from then on it is learned.
  void observe(const Tensor& x) override {
    if (ready() || x.numel() == 0) return;
    observer_->observe(0, x.values());
    const Range range = observer_->range(0);
    const float largest = site_.is_weight() ? std::max(-range.low, range.high) : range.high;
    alpha_.mutable_value().mutable_values()[0] = largest > 0 ? static_cast<Scalar>(largest) : Scalar{1};
  }
  [[nodiscard]] bool ready() const override { return alpha_.value().item() != 0; }
  [[nodiscard]] std::optional<QParams> params() const override {
    QParams params = grid_;
    params.scale = {std::max(static_cast<float>(stairs(1).delta), kSmallestScale)};
    return params;
  }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& context) override {
    if (!context.training && !context.soft) return fake_quant(x, *params(), Surrogate::kClipped);
    return soft(x, stairs(temperature_at(context.epoch)));
  }
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] std::optional<double> temperature(std::int64_t epoch) const override { return temperature_at(epoch); }
  // The gradient of α is a sum over all values of the site: at their rate it would outrun them (Esser et al. 2020, §2.2).
  [[nodiscard]] std::vector<nn::Parameter> parameters() const override {
    const auto values = static_cast<double>(std::max<std::int64_t>(1, site_.shape.numel()));
    return {{.name = site_.name + ".alpha",
             .shape = {1},
             .role = nn::Role::kStep,
             .variable = alpha_,
             .learning_rate_scale = config_.learning_rate / std::sqrt(values * grid_.qmax)}};
  }
  // T0: with growth "constant" it is T itself, for a schedule to move.
  void numbers(core::FieldVisitor& v) override {
    v.field("temperature", config_.temperature, {.help = "steepness of the steps", .min = 0, .above_min = true});
  }
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override { return observer_->buffers(); }

 private:
  [[nodiscard]] double temperature_at(std::int64_t epoch) const noexcept {
    const auto e = static_cast<double>(epoch);
    const double t0 = config_.temperature, most = config_.max_temperature;
    double t = config_.growth == Growth::kConstant ? t0 : t0 * (e + 1);
    if (config_.growth == Growth::kExponential) t = t0 * std::pow(config_.rate, e);
    if (config_.growth == Growth::kCosine) {
      const double share = std::min(1.0, e / static_cast<double>(config_.over_epochs));
      t = t0 + (most - t0) * (1 - std::cos(std::numbers::pi * share)) / 2;
    }
    return std::min(t, most);
  }
  [[nodiscard]] Stairs stairs(double temperature) const {
    const double alpha = std::max(static_cast<double>(alpha_.value().item()), 1e-8);
    const std::int32_t middle = -grid_.qmin;
    return {.delta = alpha / grid_.qmax,
            .temperature = temperature,
            .ratio = std::exp(temperature),
            .steps = grid_.qmax + middle,
            .middle = middle};
  }

  // With y = δ·(S(x/δ) − m): dy/dx = T·S', dy/dδ = y/δ − T·S'·x/δ, and dδ/dα = 1/qmax.
  [[nodiscard]] Variable soft(const Variable& x, const Stairs& stairs) const {
    Tensor y(x.shape()), slope(x.shape());
    const Scalar* in = x.value().data();
    Scalar* out = y.mutable_data();
    Scalar* by = slope.mutable_data();
    core::parallel_for(x.value().numel(), kRunGrain / 8, [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Point point = at(static_cast<double>(in[i]) / stairs.delta, stairs);
        out[i] = static_cast<Scalar>(stairs.delta * (point.sum - stairs.middle));
        by[i] = static_cast<Scalar>(stairs.temperature * point.slope);
      }
    });
    return core::record(
        "smoothed_sigmoid", y, {x, alpha_},
        [x = x.value(), y, slope, scale = 1 / (stairs.delta * grid_.qmax)](const Tensor& dy, const core::Needs&) {
          Tensor dx(x.shape());
          const double sum = soft_gradients({&x, &y, &slope}, dy, dx);
          return core::Gradients{dx, Tensor({1}, {static_cast<Scalar>(sum * scale)})};
        });
  }
  struct Saved {
    const Tensor *x, *y, *slope;
  };
  // Writes dx; returns δ·dδ.
  static double soft_gradients(const Saved& saved, const Tensor& dy, Tensor& dx) {
    const Scalar *x = saved.x->data(), *y = saved.y->data(), *slope = saved.slope->data();
    const Scalar* g = dy.data();
    Scalar* to = dx.mutable_data();
    return core::parallel_reduce(
        dy.numel(), kRunGrain, 0.0,
        [=](std::int64_t begin, std::int64_t end) {
          double sum = 0;
          for (std::int64_t i = begin; i < end; ++i) {
            to[i] = g[i] * slope[i];
            sum += static_cast<double>(g[i]) *
                   (static_cast<double>(y[i]) - static_cast<double>(slope[i]) * static_cast<double>(x[i]));
          }
          return sum;
        },
        [](double a, double b) { return a + b; });
  }

  Config config_;
  SiteFacts site_;
  QParams grid_;
  Variable alpha_;  // 0: not known yet
  std::unique_ptr<Observer> observer_;
};

}  // namespace

void add_smoothed_sigmoid(QuantizerRegistry& registry) {
  registry.add<SmoothedSigmoid>("smoothed_sigmoid",
                                "a staircase of sigmoids that steepen while training (Yang et al. 2019)");
}

}  // namespace tempera::quant
