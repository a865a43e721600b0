// DoReFa (Zhou et al. 2016, arXiv 1606.06160, eq. 9 for weights, §2.5 for activations).
#include <cmath>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/quantizers/bits_field.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

// Calls fn(i) for i in [0, n). The math library's tanh, not the kernels', whose last bits differ between instruction levels:
// the integers of a weight must not.
template <class Fn>
void each(std::int64_t n, const Fn& fn) {
  constexpr std::int64_t kGrain = 2048;
  core::parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) fn(i);
  });
}

// Weights: 2·quantize_k(tanh(w)/(2·max|tanh(w)|) + ½) − 1 is one of the odd steps of 1/n between −1 and 1, n = 2^k − 1: as
// integers, 2q − n at scale 1/n, which take k + 1 bits. Activations: clamp to [0, 1], then q/n.
class Dorefa final : public Quantizer {
 public:
  struct Config {
    std::int64_t bits = 4;
    void fields(core::FieldVisitor& v) {
      bits_field(v, bits, "bits of the levels; a weight's integers take one more", 15);
    }
  };
  Dorefa(const Config& config, const SiteFacts& site) : site_(site), levels_((1 << config.bits) - 1) {
    const int bits = static_cast<int>(config.bits) + (site.is_weight() ? 1 : 0);
    set_range(grid_, bits, site.is_weight(), true);
    grid_.scale = {1.0F / static_cast<float>(levels_)};
  }
  void observe(const Tensor& x) override { static_cast<void>(finite_range(x.values(), site_.name)); }
  [[nodiscard]] bool ready() const override { return true; }
  [[nodiscard]] std::optional<QParams> params() const override { return grid_; }
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] bool keeps_places() const noexcept override { return !site_.is_weight(); }

  [[nodiscard]] Integers integers(const Tensor& x) const override {
    if (!site_.is_weight()) return Quantizer::integers(x);
    const Tensor bent = unit(x, largest_tanh(x));
    Integers result{.values = {}, .params = grid_};
    result.values.reserve(bent.values().size());
    for (const Scalar u : bent.values()) result.values.push_back(step_of(u));
    return result;
  }

  // The rounding's derivative is 1; max|tanh w| counts as a constant.
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& context) override {
    return forward_within(x.value(), x, context);
  }
  [[nodiscard]] Variable forward_within(const Tensor& whole, const Variable& x, ForwardContext& /*context*/) override {
    if (!site_.is_weight()) return fake_quant(x, grid_, Surrogate::kClipped);
    const double largest = largest_tanh(whole);
    const Tensor bent = unit(x.value(), largest);
    Tensor y(x.shape());
    Scalar* to = y.mutable_data();
    each(y.numel(), [&](std::int64_t i) { to[i] = static_cast<Scalar>(grid_.dequantize(step_of(bent.data()[i]))); });
    return core::record("dorefa", std::move(y), {x}, [kept = x.value(), largest](const Tensor& dy, const core::Needs&) {
      Tensor dx(kept.shape());
      Scalar* out = dx.mutable_data();
      each(dx.numel(), [&](std::int64_t i) {
        const double t = std::tanh(static_cast<double>(kept.data()[i]));
        out[i] = static_cast<Scalar>(static_cast<double>(dy.data()[i]) * (1 - t * t) / largest);
      });
      return core::Gradients{dx};
    });
  }

 private:
  // max|tanh w|, or 1 for a weight of zeros and of what is so near to it that the derivative would overflow.
  static double largest_tanh(const Tensor& w) {
    double largest = 0;
    for (const Scalar x : w.values()) largest = std::max(largest, std::abs(static_cast<double>(x)));
    return largest >= static_cast<double>(kSmallestScale) ? std::tanh(largest) : 1;
  }
  // tanh(w)/(2·max|tanh(w)|) + ½
  [[nodiscard]] Tensor unit(const Tensor& w, double largest) const {
    static_cast<void>(finite_range(w.values(), site_.name));  // NaN is no step
    Tensor u(w.shape());
    Scalar* to = u.mutable_data();
    each(u.numel(), [&](std::int64_t i) {
      to[i] = static_cast<Scalar>(std::tanh(static_cast<double>(w.data()[i])) / (2 * largest) + 0.5);
    });
    return u;
  }
  [[nodiscard]] std::int32_t step_of(Scalar u) const {
    const double level = std::nearbyint(static_cast<double>(u) * levels_);
    return 2 * static_cast<std::int32_t>(std::clamp<double>(level, 0, levels_)) - levels_;
  }

  SiteFacts site_;
  std::int32_t levels_;
  QParams grid_;
};

}  // namespace

void add_dorefa(QuantizerRegistry& registry) {
  registry.add<Dorefa>("dorefa", "weights through tanh onto [−1, 1], activations onto [0, 1] (Zhou et al. 2016)");
}

}  // namespace tempera::quant
