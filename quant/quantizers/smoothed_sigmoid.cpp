// The staircase as a sum of sigmoids (Quantization Networks, Yang et al. 2019, arXiv 1911.09464):
//
//   Q_T(x) = δ·(Σ_{i=1..n} σ(T·(β·x − b_i)) − m)
//
// Activations: n = 2^k − 1 steps on [0, α], m = 0. Weights: n = 2m steps on [−α, α], m = 2^(k−1) − 1. δ = α/n, or α/m. α is
// learned. β is 1/δ, or learned; the b_i are the midpoints i − m − ½, or learned. Training sees the smooth form with its own
// derivative; evaluation sees the limit T → ∞: with β tied and midpoints a grid of integers at scale δ that values round to,
// otherwise the same integers, and thresholds b_i/β between them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/quantizers/bits_field.hpp"
#include "tempera/quant/smooth_staircase.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

enum class Growth { kLinear, kExponential, kCosine, kConstant };
constexpr std::array<std::string_view, 4> kGrowths{"linear", "exponential", "cosine", "constant"};

enum class Beta { kTied, kLearned };
constexpr std::array<std::string_view, 2> kBetas{"tied", "learned"};
enum class Biases { kMidpoints, kLearned };
constexpr std::array<std::string_view, 2> kBiases{"midpoints", "learned"};

// Steps of unequal width are thresholds in a program: 2^bits − 1 of them for each channel.
constexpr std::int64_t kMostThresholdBits = 8;

Variable number(std::int64_t n, double value) { return Variable(Tensor::full({n}, static_cast<Scalar>(value)), true); }

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
    Beta beta = Beta::kTied;
    Biases biases = Biases::kMidpoints;
    double learning_rate = 1;
    void fields(core::FieldVisitor& v) {
      bits_field(v, bits);
      v.field("temperature", temperature,
              {.help = "T0, the steepness of the steps in the first epoch", .min = 0, .above_min = true});
      v.choice(
          "growth", growth, kGrowths,
          {.help =
               "T after e epochs, counted from the first of training and not from start_epoch: (e + 1)·T0, T0·rate^e, "
               "half a cosine from T0 to max_temperature, or T0, which a schedule may move"});
      v.field("rate", rate, {.help = "factor an epoch, for exponential", .min = 1});
      v.field("over_epochs", over_epochs, {.help = "epochs until the cosine ends", .unit = "epochs", .min = 1});
      v.field("max_temperature", max_temperature, {.help = "T never exceeds this", .min = 0, .above_min = true});
      v.field("alpha", alpha,
              {.help = "the largest value at first; not set: from what is observed first", .min = 1e-30, .max = 1e30});
      v.typed("observer", ObserverRegistry::builtin(), observer,
              {.help = "how the first α is chosen; not set: mse, as few steps up to the largest value are too wide for "
                       "the others"});
      v.choice(
          "beta", beta, kBetas,
          {.help = "the scale β of the input: tied to α, so that steps are as wide as they are high, or learned (in "
                   "<site>.input_range, where the staircase ends)"});
      v.choice("biases", biases, kBiases,
               {.help = "where the steps are: midway between the integers, or each learned from there on"});
      v.field("learning_rate", learning_rate,
              {.help = "how fast α, β and biases learn, as a multiple of the optimizer's rate over √(N·qmax), N the "
                       "weights or the features of a sample",
               .min = 0});
      v.rule(max_temperature >= temperature, "max_temperature", "must not be below \"temperature\"");
      v.rule(even() || bits <= kMostThresholdBits, "bits",
             "must be at most 8 where \"beta\" or \"biases\" are learned: each step is a threshold then");
    }
    [[nodiscard]] bool even() const noexcept { return beta == Beta::kTied && biases == Biases::kMidpoints; }
  };

  SmoothedSigmoid(const Config& config, const SiteFacts& site)
      : config_(config), site_(site), alpha_(number(1, 0)), unit_(Tensor::zeros({1})) {
    set_range(grid_, static_cast<int>(config.bits), site.is_weight(), true);
    if (config.beta == Beta::kLearned) range_ = number(1, 0);
    if (config.biases == Biases::kLearned) biases_ = number(grid_.qmax - grid_.qmin, 0);
    if (config.alpha) begin(*config.alpha);
    const ObserverFacts facts{.site = site.name,
                              .bits = grid_.bits,
                              .is_signed = grid_.is_signed,
                              .narrow = grid_.is_signed,
                              .symmetric = true};
    const ObserverRegistry& known = ObserverRegistry::builtin();
    observer_ = config.observer ? known.make(*config.observer, facts) : known.make(*known.create("mse"), facts);
  }

  // The first values set α, and all else by it; from then on it is learned.
  void observe(const Tensor& x) override {
    if (ready() || x.numel() == 0) return;
    observer_->observe(0, x.values());
    const Range range = observer_->range(0);
    const float largest = site_.is_weight() ? std::max(-range.low, range.high) : range.high;
    begin(largest > 0 ? static_cast<double>(largest) : 1.0);
  }
  void begin_again() override {
    if (config_.alpha) return;
    observer_->reset();
    alpha_.mutable_value().mutable_values()[0] = 0;
  }
  [[nodiscard]] bool ready() const override { return alpha_.value().item() != 0; }
  [[nodiscard]] std::optional<QParams> params() const override {
    const Staircase stairs = staircase();
    QParams params = grid_;
    if (!std::isfinite(stairs.delta())) {
      throw core::NumericError(
          site_.name, -1, fmt::format("the height of its steps must be a finite number, received {}", stairs.delta()));
    }
    params.scale = {std::max(static_cast<float>(stairs.delta()), kSmallestScale)};
    if (stairs.even()) return params;
    params.thresholds = stairs.thresholds();
    if (std::ranges::any_of(params.thresholds, [](float t) { return std::isnan(t); })) {
      throw core::NumericError(site_.name, -1, "a learned threshold is not a number");
    }
    return params;
  }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& context) override {
    if (!context.training && !context.soft) return fake_quant(x, known_params(), Surrogate::kClipped);
    return smooth_staircase(x, staircase(), temperature_at(context.epoch));
  }
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] std::optional<double> temperature(std::int64_t epoch) const override { return temperature_at(epoch); }
  // The gradient of each is a sum over values of the site: at their rate it would outrun them (Esser et al. 2020, §2.2). All
  // have the unit of the values, whose own step they are to keep up with, so that one factor serves for all.
  [[nodiscard]] std::vector<nn::Parameter> parameters() const override {
    const auto values = static_cast<double>(std::max<std::int64_t>(1, site_.shape.numel()));
    const double rate = config_.learning_rate / std::sqrt(values * grid_.qmax);
    std::vector<nn::Parameter> all;
    const auto add = [&](const char* name, const Variable& variable) {
      if (variable.empty()) return;
      all.push_back({.name = site_.name + name,
                     .shape = variable.shape(),
                     .role = nn::Role::kStep,
                     .variable = variable,
                     .learning_rate_scale = rate});
    };
    add(".alpha", alpha_);
    add(".input_range", range_);
    add(".biases", biases_);
    return all;
  }
  // T where it does not grow by itself: two roads to one number would be multiplied.
  void numbers(core::FieldVisitor& v) override {
    if (config_.growth != Growth::kConstant) return;
    v.field("temperature", config_.temperature, {.help = "steepness of the steps", .min = 0, .above_min = true});
  }
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override {
    std::vector<nn::Buffer> all;  // the observer looks once, and its state is of no use afterwards
    if (!biases_.empty()) all.push_back({.name = site_.name + ".bias_unit", .shape = {1}, .variable = unit_});
    return all;
  }

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
  void begin(double alpha) const {
    const double unit = alpha / grid_.qmax;
    alpha_.mutable_value().mutable_values()[0] = static_cast<Scalar>(alpha);
    if (!range_.empty()) range_.mutable_value().mutable_values()[0] = static_cast<Scalar>(alpha);
    if (biases_.empty()) return;
    unit_.mutable_value().mutable_values()[0] = static_cast<Scalar>(unit);
    Scalar* bias = biases_.mutable_value().mutable_data();
    for (std::int32_t q = grid_.qmin; q < grid_.qmax; ++q) *bias++ = static_cast<Scalar>((q + 0.5) * unit);
  }
  [[nodiscard]] Staircase staircase() const {
    return {.alpha = alpha_,
            .range = range_,
            .biases = biases_,
            .unit = std::max(static_cast<double>(unit_.value().item()), std::numeric_limits<double>::min()),
            .steps = grid_.qmax - grid_.qmin,
            .middle = -grid_.qmin,
            .top = grid_.qmax};
  }

  Config config_;
  SiteFacts site_;
  QParams grid_;
  Variable alpha_;   // 0: not known yet
  Variable range_;   // empty: β is tied
  Variable biases_;  // empty: midpoints
  Variable unit_;    // of the biases: the first δ, in which T counts
  std::unique_ptr<Observer> observer_;
};

}  // namespace

void add_smoothed_sigmoid(QuantizerRegistry& registry) {
  registry.add<SmoothedSigmoid>("smoothed_sigmoid",
                                "a staircase of sigmoids that steepen while training (Yang et al. 2019)");
}

}  // namespace tempera::quant
