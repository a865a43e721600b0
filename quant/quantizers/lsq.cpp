// LSQ: the step size is learned (Esser et al. 2020, arXiv 1902.08153). LSQ+ learns an offset, too, for values of both signs
// (Bhalgat et al. 2020, arXiv 2004.09576).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/errors.hpp"
#include "tempera/core/fields.hpp"
#include "tempera/quant/finite_scale.hpp"
#include "tempera/quant/learned_grid.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"
#include "tempera/quant/quantizers/bits_field.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

constexpr double kSmallestLearned = 1e-8;  // where a scale that training drives to 0 is held

struct LsqConfig {
  std::int64_t bits = 4;
  std::optional<bool> is_signed;
  bool per_channel = false;
  double learning_rate = 1;
  void fields(core::FieldVisitor& v) {
    bits_field(v, bits);
    v.field("signed", is_signed,
            {.help = "whether integers below 0 exist; not set: unless the values cannot be negative"});
    v.field("per_channel", per_channel, {.help = "a scale for each output channel of a weight"});
    v.field("learning_rate", learning_rate,
            {.help = "how fast the scale learns, as a multiple of the optimizer's rate", .min = 0});
  }
};

Variable learned(std::int64_t slots) { return Variable(Tensor::zeros({slots}), true); }

// What LSQ and LSQ+ share: a learned scale that starts from the first values seen since it was told to begin.
class LearnedScale : public Quantizer {
 public:
  using Config = LsqConfig;

  LearnedScale(const Config& config, const SiteFacts& site, bool is_signed, bool narrow)
      : site_(site), rate_(config.learning_rate) {
    if (config.per_channel && !site.is_weight()) {
      throw core::ConfigError(fmt::format("site \"{}\": a scale for each channel is for weights", site.name));
    }
    set_range(grid_, static_cast<int>(config.bits), is_signed, narrow);
    grid_.granularity = config.per_channel ? Granularity::kChannel : Granularity::kTensor;
    const std::int64_t slots = config.per_channel ? site.shape[0] : 1;
    grid_.scale.assign(static_cast<std::size_t>(slots), 1);
    grid_.zero_point.assign(static_cast<std::size_t>(slots), 0);
    scale_ = learned(slots);
  }

  // The first values set the scale; from then on it is learned.
  void observe(const Tensor& x) override {
    if (ready() || x.numel() == 0) return;
    static_cast<void>(finite_range(x.values(), site_.name));
    const std::size_t slots = grid_.scale.size();
    const std::size_t row = x.values().size() / slots;
    for (std::size_t slot = 0; slot < slots; ++slot) start(slot, x.values().subspan(slot * row, row));
  }
  void begin_again() override { std::ranges::fill(scale_.mutable_value().mutable_values(), Scalar{0}); }
  [[nodiscard]] bool ready() const override {
    return std::ranges::all_of(scale_.value().values(), [](Scalar s) { return s != 0; });
  }
  [[nodiscard]] std::optional<QParams> params() const override {
    QParams params = grid_;
    for (std::size_t slot = 0; slot < params.scale.size(); ++slot) {
      const double scale = finite(static_cast<double>(scale_.value().values()[slot]), "scale");
      params.scale[slot] = static_cast<float>(std::max(scale, kSmallestLearned));
      params.zero_point[slot] = zero_point(slot, params.scale[slot]);
    }
    return params;
  }
  [[nodiscard]] Variable forward(const Variable& x, ForwardContext& /*context*/) override {
    const std::int64_t batch = site_.is_weight() ? 1 : x.shape()[0];
    const double values =
        static_cast<double>(x.value().numel()) / static_cast<double>(batch) / static_cast<double>(grid_.scale.size());
    // g = 1/√(N·Q_P), N the weights of a scale or the features of a sample (Esser et al. 2020, §2.2).
    const double factor = 1 / std::sqrt(std::max(1.0, values) * grid_.qmax);
    return learned_grid(x, scale_, offset(), known_params(), factor);
  }
  [[nodiscard]] int bits() const override { return grid_.bits; }
  [[nodiscard]] std::vector<nn::Parameter> parameters() const override { return {learning(".scale", scale_)}; }

 protected:
  virtual void start(std::size_t slot, std::span<const Scalar> values) = 0;
  [[nodiscard]] virtual Variable offset() const { return {}; }
  [[nodiscard]] virtual std::int32_t zero_point(std::size_t /*slot*/, float /*scale*/) const { return 0; }
  void set_learned_scale(std::size_t slot, double scale) const {
    const std::int32_t steps = std::max(grid_.qmax, -grid_.qmin);
    scale_.mutable_value().mutable_values()[slot] =
        static_cast<Scalar>(finite_scale(nearest_finite(std::max(scale, kSmallestLearned)), steps));
  }
  [[nodiscard]] nn::Parameter learning(const std::string& name, const Variable& variable) const {
    return {.name = site_.name + name,
            .shape = variable.shape(),
            .role = nn::Role::kStep,
            .variable = variable,
            .learning_rate_scale = rate_};
  }
  // Training that breaks, or a file, may leave anything where a learned number was.
  [[nodiscard]] double finite(double number, const char* what) const {
    if (std::isfinite(number)) return number;
    throw core::NumericError(site_.name, -1, fmt::format("{} must be a finite number, received {}", what, number));
  }
  [[nodiscard]] const QParams& grid() const noexcept { return grid_; }
  [[nodiscard]] const SiteFacts& site() const noexcept { return site_; }

 private:
  SiteFacts site_;
  double rate_;
  QParams grid_;
  Variable scale_;  // [slots]; 0: nothing was seen yet
};

bool signed_for(const LsqConfig& config, const SiteFacts& site) {
  return config.is_signed.value_or(site.is_weight() || !site.non_negative);
}

class Lsq final : public LearnedScale {
 public:
  Lsq(const Config& config, const SiteFacts& site)
      : LearnedScale(config, site, signed_for(config, site), site.is_weight()) {}

 private:
  // s = 2·mean|x|/√Q_P (Esser et al. 2020, §2.1); all zero: 1.
  void start(std::size_t slot, std::span<const Scalar> values) override {
    double sum = 0;
    for (const Scalar x : values) sum += std::abs(static_cast<double>(x));
    const double mean = sum / static_cast<double>(values.size());
    set_learned_scale(slot, mean > 0 ? 2 * mean / std::sqrt(grid().qmax) : 1);
  }
};

class LsqPlus final : public LearnedScale {
 public:
  LsqPlus(const Config& config, const SiteFacts& site)
      : LearnedScale(config, site, config.is_signed.value_or(false), false),
        offset_(Tensor::zeros({config.per_channel ? site.shape[0] : 1}), true) {}

  [[nodiscard]] std::vector<nn::Parameter> parameters() const override {
    std::vector<nn::Parameter> all = LearnedScale::parameters();
    all.push_back(learning(".offset", offset_));
    return all;
  }

 private:
  // From the range, as the offset's initialisation of Bhalgat et al. 2020, eq. 9.
  void start(std::size_t slot, std::span<const Scalar> values) override {
    const Range range = finite_range(values, site().name);
    QParams params = grid();
    set_scale(params, slot, range, {.symmetric = false});
    set_learned_scale(slot, static_cast<double>(params.scale[slot]));
    const double steps = grid().qmin - params.zero_point[slot];
    offset_.mutable_value().mutable_values()[slot] =
        static_cast<Scalar>(steps * static_cast<double>(params.scale[slot]));
  }
  [[nodiscard]] Variable offset() const override { return offset_; }
  // The offset is the real number that qmin stands for. It is rounded to the grid, so that integers have a whole zero point;
  // the gradient passes that rounding as it is.
  [[nodiscard]] std::int32_t zero_point(std::size_t slot, float scale) const override {
    const double offset = finite(static_cast<double>(offset_.value().values()[slot]), "offset");
    const double steps = grid().qmin - offset / static_cast<double>(scale);
    return static_cast<std::int32_t>(std::clamp<double>(std::nearbyint(steps), grid().qmin, grid().qmax));
  }

  Variable offset_;
};

}  // namespace

void add_lsq(QuantizerRegistry& registry) {
  registry.add<Lsq>("lsq", "uniform with a learned scale (Esser et al. 2020)");
  registry.add<LsqPlus>("lsq_plus", "uniform with a learned scale and offset (Bhalgat et al. 2020)");
}

}  // namespace tempera::quant
