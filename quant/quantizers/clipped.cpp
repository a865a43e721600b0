// Quantized ReLU: clamp to [0, α], uniform on 2^k levels. With α given or observed it is the k-bit ReLU; with α learned it is
// PACT (Choi et al. 2018, arXiv 1805.06085).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/finite_scale.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/quantizers/bits_field.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

QParams grid_for(std::int64_t bits, const SiteFacts& site) {
  if (site.is_weight()) {
    throw core::ConfigError(fmt::format("site \"{}\": clamps at 0, which is for activations", site.name));
  }
  QParams grid;
  set_range(grid, static_cast<int>(bits), false, false);
  return grid;
}

QParams at_alpha(QParams grid, double alpha) {
  grid.scale = {finite_scale(std::max(nearest_finite(alpha / grid.qmax), kSmallestScale), grid.qmax)};
  return grid;
}

class QuantizedRelu final : public Quantizer {
 public:
  struct Config {
    std::int64_t bits = 4;
    std::optional<double> alpha;
    core::Clonable<> observer;
    Surrogate surrogate = Surrogate::kClipped;
    void fields(core::FieldVisitor& v) {
      bits_field(v, bits);
      v.field("alpha", alpha, {.help = "the largest value; not set: from what is observed", .min = 1e-30, .max = 1e30});
      v.typed("observer", ObserverRegistry::builtin(), observer, {.help = "how α is chosen; not set: min_max"});
      v.choice("surrogate", surrogate, kSurrogates, {.help = "what stands in for the derivative"});
      v.rule(!alpha || observer.get() == nullptr, "observer", "has nothing to do where \"alpha\" is given");
    }
  };
  QuantizedRelu(const Config& config, const SiteFacts& site)
      : site_(site),
        grid_(grid_for(config.bits, site)),
        surrogate_(config.surrogate),
        given_(config.alpha.has_value()),
        alpha_(Tensor::full({1}, static_cast<Scalar>(config.alpha.value_or(0)))) {
    const ObserverFacts facts{
        .site = site.name, .bits = grid_.bits, .is_signed = false, .narrow = false, .symmetric = true};
    const ObserverRegistry& known = ObserverRegistry::builtin();
    observer_ = config.observer ? known.make(*config.observer, facts) : known.make(*known.create("min_max"), facts);
  }
  void observe(const Tensor& x) override {
    if (given_ || x.numel() == 0) return;
    observer_->observe(0, x.values());
    const float high = observer_->range(0).high;
    alpha_.mutable_value().mutable_values()[0] = high > 0 ? static_cast<Scalar>(high) : static_cast<Scalar>(grid_.qmax);
  }
  [[nodiscard]] bool ready() const override { return alpha_.value().item() > 0; }
  [[nodiscard]] std::optional<QParams> params() const override {
    return at_alpha(grid_, static_cast<double>(alpha_.value().item()));
  }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& /*context*/) override {
    return fake_quant(x, known_params(), surrogate_);
  }
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] std::vector<nn::Buffer> buffers() const override {
    std::vector<nn::Buffer> all{{site_.name + ".alpha", {1}, alpha_, nn::Allowed::kPositiveOrUnset}};
    if (given_) return all;
    for (nn::Buffer& buffer : observer_->buffers()) all.push_back(std::move(buffer));
    return all;
  }

 private:
  SiteFacts site_;
  QParams grid_;
  Surrogate surrogate_;
  bool given_;
  Variable alpha_;  // 0: not known yet
  std::unique_ptr<Observer> observer_;
};

class Pact final : public Quantizer {
 public:
  struct Config {
    std::int64_t bits = 4;
    double alpha = 10;
    double decay = 0.0002;
    double learning_rate = 1;
    void fields(core::FieldVisitor& v) {
      bits_field(v, bits);
      v.field("alpha", alpha, {.help = "what the largest value is at first", .min = 1e-30, .max = 1e30});
      v.field("decay", decay, {.help = "L2 penalty on α: its gradient grows by so much times α", .min = 0});
      v.field("learning_rate", learning_rate,
              {.help = "how fast α learns, as a multiple of the optimizer's rate", .min = 0});
    }
  };
  Pact(const Config& config, const SiteFacts& site)
      : site_(site),
        grid_(grid_for(config.bits, site)),
        decay_(config.decay),
        rate_(config.learning_rate),
        alpha_(Tensor::full({1}, static_cast<Scalar>(config.alpha)), true) {}
  void observe(const Tensor& /*x*/) override {}
  [[nodiscard]] bool ready() const override { return true; }
  [[nodiscard]] std::optional<QParams> params() const override { return at_alpha(grid_, learned_alpha()); }
  // dx = dy where 0 ≤ x < α; dα = Σ dy over x ≥ α, and the penalty's part (Choi et al. 2018, eq. 2–3).
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& /*context*/) override {
    const double alpha = learned_alpha();
    return core::record("pact", fake_quantized(x.value(), known_params()), {x, alpha_},
                        [kept = x.value(), alpha, decay = decay_](const Tensor& dy, const core::Needs&) {
                          Tensor dx(kept.shape());
                          const double sum = split(kept, dy, static_cast<Scalar>(alpha), dx);
                          return core::Gradients{dx, Tensor({1}, {static_cast<Scalar>(sum + decay * alpha)})};
                        });
  }
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] std::vector<nn::Parameter> parameters() const override {
    return {{.name = site_.name + ".alpha",
             .shape = {1},
             .role = nn::Role::kStep,
             .variable = alpha_,
             .learning_rate_scale = rate_}};
  }

 private:
  [[nodiscard]] double learned_alpha() const {
    const auto alpha = static_cast<double>(alpha_.value().item());
    if (!std::isfinite(alpha)) {
      throw core::NumericError(site_.name, -1, fmt::format("alpha must be a finite number, received {}", alpha));
    }
    return std::max(alpha, static_cast<double>(kSmallestScale) * grid_.qmax);
  }
  static double split(const Tensor& x, const Tensor& dy, Scalar alpha, Tensor& dx) {
    const Scalar* in = x.data();
    const Scalar* g = dy.data();
    Scalar* to = dx.mutable_data();
    return core::parallel_reduce(
        x.numel(), kRunGrain, 0.0,
        [=](std::int64_t begin, std::int64_t end) {
          double above = 0;
          for (std::int64_t i = begin; i < end; ++i) {
            to[i] = in[i] >= 0 && in[i] < alpha ? g[i] : Scalar{0};
            if (in[i] >= alpha) above += static_cast<double>(g[i]);
          }
          return above;
        },
        [](double a, double b) { return a + b; });
  }

  SiteFacts site_;
  QParams grid_;
  double decay_, rate_;
  Variable alpha_;
};

}  // namespace

void add_clipped(QuantizerRegistry& registry) {
  registry.add<QuantizedRelu>("quantized_relu", "clamp to [0, α], then 2^bits equal steps");
  registry.add<Pact>("pact", "quantized ReLU whose α is learned (Choi et al. 2018)");
}

}  // namespace tempera::quant
