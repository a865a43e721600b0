#include "tempera/quant/quantizers/uniform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tempera/core/errors.hpp"
#include "tempera/quant/observers/ends.hpp"
#include "tempera/quant/quantizers/bits_field.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

constexpr std::int64_t kSlots = 4;  // that one thread looks at: some 100 µs with counts

const core::TypeCatalog& observers() { return ObserverRegistry::builtin(); }

// How many scales a value of the site has.
std::int64_t slots_of(const Uniform::Config& config, const SiteFacts& site) {
  if (config.granularity == Granularity::kTensor) return 1;
  if (!site.is_weight()) {
    throw core::ConfigError(
        fmt::format("site \"{}\": {} scales are for weights; a value that is multiplied and added up has one scale",
                    site.name, kGranularities[static_cast<std::size_t>(config.granularity)]));
  }
  const std::int64_t channels = site.shape[0];
  if (config.granularity == Granularity::kChannel) return channels;
  const std::int64_t row = channels == 0 ? 0 : site.shape.numel() / channels;
  return channels * ((row + config.group - 1) / config.group);
}

Variable filled(std::int64_t n, double value) { return Variable(Tensor::full({n}, static_cast<Scalar>(value))); }

}  // namespace

QParams uniform_grid(const Uniform::Config& config, const SiteFacts& site) {
  QParams grid;
  const bool is_signed =
      config.is_signed.value_or(site.is_weight() || (config.symmetric.value_or(false) && !site.non_negative));
  // A scale by hand covers all integers, as in |x| ≤ 1 → δ = 1/128 on −128…127.
  const bool narrow = config.narrow.value_or(site.is_weight() && !config.scale);
  set_range(grid, static_cast<int>(config.bits), is_signed, narrow);
  grid.rounding = config.rounding;
  grid.granularity = config.granularity;
  grid.group = config.granularity == Granularity::kGroup ? config.group : 0;
  grid.scale.clear();
  grid.zero_point.clear();
  return grid;
}

ScaleRule uniform_rule(const Uniform::Config& config, const SiteFacts& site) noexcept {
  return {
      .symmetric = config.symmetric.value_or(site.is_weight() || site.non_negative || config.is_signed.value_or(false)),
      .full_range = config.full_range,
      .power_of_two = config.power_of_two};
}

void Uniform::Config::fields(core::FieldVisitor& v) {
  bits_field(v, bits);
  v.field(
      "signed", is_signed,
      {.help = "whether integers below 0 exist; not set: for weights and, where symmetric, for values of both signs"});
  v.field("narrow", narrow,
          {.help = "whether the most negative integer is left out, so that the range is "
                   "symmetric; not set: for weights whose scale is not given"});
  v.field("symmetric", symmetric,
          {.help = "whether the zero point is 0; not set: for weights, and for activations that cannot be negative"});
  v.field("full_range", full_range, {.help = "symmetric scale amax/(qmax + ½) instead of amax/qmax"});
  v.choice("granularity", granularity, kGranularities,
           {.help = "what shares a scale: all values, an output channel of a weight, or a group of its inputs"});
  v.field("group", group, {.help = "inputs that share a scale, for per_group", .min = 1});
  v.typed("observer", observers(), observer, {.help = "how the range is chosen; not set: min_max"});
  v.choice("rounding", rounding, kRoundings, {.help = "what becomes of x/scale"});
  v.choice("surrogate", surrogate, kSurrogates, {.help = "what stands in for the derivative"});
  v.field("power_of_two_scale", power_of_two,
          {.help = "rounds scales to powers of two, so that requantizing needs no more than shifts"});
  v.field("scale", scale, {.help = "the unit δ by hand; not set: from what is observed", .min = 0, .above_min = true});
  v.field("zero_point", zero_point, {.help = "the integer that stands for 0, beside a scale by hand"});
  v.rule(!scale || observer.get() == nullptr, "observer", "has nothing to do where \"scale\" is given");
  v.rule(scale || zero_point == 0, "zero_point", "is chosen from what is observed unless \"scale\" is given");
}

Uniform::Uniform(const Config& config, const SiteFacts& site)
    : site_(site), grid_(uniform_grid(config, site)), rule_(uniform_rule(config, site)), surrogate_(config.surrogate) {
  const std::int64_t slots = slots_of(config, site);
  scale_ = filled(slots, 0);
  zero_point_ = filled(slots, 0);
  if (config.scale) {
    const auto narrowed = static_cast<float>(*config.scale);
    if (!std::isfinite(narrowed) || narrowed < kSmallestScale) {
      throw core::ConfigError(
          fmt::format("site \"{}\": \"scale\" must be a normal float32 number, received {}", site.name, *config.scale));
    }
    if (config.zero_point < grid_.qmin || config.zero_point > grid_.qmax) {
      throw core::ConfigError(fmt::format("site \"{}\": \"zero_point\" must be from {} to {}, received {}", site.name,
                                          grid_.qmin, grid_.qmax, config.zero_point));
    }
    scale_ = filled(slots, narrowed);
    zero_point_ = filled(slots, static_cast<double>(config.zero_point));
    return;
  }
  const ObserverFacts facts{.site = site.name,
                            .channels = slots,
                            .bits = grid_.bits,
                            .is_signed = grid_.is_signed,
                            .narrow = grid_.qmin == -grid_.qmax,
                            .symmetric = rule_.symmetric};
  const ObserverRegistry& known = ObserverRegistry::builtin();
  observer_ = config.observer ? known.make(*config.observer, facts) : known.make(*known.create("min_max"), facts);
}

std::int64_t Uniform::slots() const noexcept { return scale_.value().numel(); }

// Where a range's scale and zero point go. Both calls may come from several threads, for slots that differ.
struct Uniform::Choice {
  QParams params;  // the grid with room for them
  Scalar *scale, *zero_point;
  const ScaleRule& rule;
  const std::string& site;
  EndsObserver* ends;  // null: the observer wants the values themselves
  EndsObserver::State state;

  void take(std::int64_t slot, Range range) {
    const auto at = static_cast<std::size_t>(slot);
    set_scale(params, at, range, rule);
    scale[slot] = static_cast<Scalar>(params.scale[at]);
    zero_point[slot] = static_cast<Scalar>(params.zero_point[at]);
  }
  // The range of all values of a slot, which the ends' observer has then taken in.
  Range look(std::size_t slot, std::span<const Scalar> values) {
    const Range now = finite_range(values, site);
    const auto channel = static_cast<std::int64_t>(slot);
    take(channel, ends->take_in(state, channel, now));
    return now;
  }
};

Uniform::Choice Uniform::choose() {
  if (site_.is_weight()) observer_->reset();  // the weight as it is now, not as it once was
  Choice choice{.params = grid_,
                .scale = scale_.mutable_value().mutable_data(),
                .zero_point = zero_point_.mutable_value().mutable_data(),
                .rule = rule_,
                .site = site_.name,
                .ends = observer_->takes_ends(),
                .state = {}};
  if (choice.ends != nullptr) choice.state = choice.ends->state();
  choice.params.scale.assign(static_cast<std::size_t>(slots()), 1);
  choice.params.zero_point.assign(static_cast<std::size_t>(slots()), 0);
  return choice;
}

void Uniform::observe(const Tensor& x) {
  if (observer_ == nullptr || x.numel() == 0) return;
  Choice choice = choose();
  const std::int64_t n = slots();
  const auto values = [&x](std::int64_t begin, std::int64_t end) {
    return x.values().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  };
  if (choice.ends != nullptr && n == 1) {
    choice.look(0, x.values());
  } else if (choice.ends != nullptr) {
    each_run(x.shape(), choice.params,
             [&](std::int64_t begin, std::int64_t end, std::size_t slot) { choice.look(slot, values(begin, end)); });
  } else {
    const RunLengths runs = n == 1 ? RunLengths{x.numel(), x.numel(), 1} : run_lengths(x.shape(), grid_);
    const auto look = [&](std::int64_t slot) {
      const RunBounds run = run_of(runs, slot);
      observer_->observe(slot, values(run.begin, run.end));
      choice.take(slot, observer_->range(slot));
    };
    look(0);  // alone: state that others hold is copied when it is first written to
    core::parallel_for(n - 1, kSlots, [&](std::int64_t slot, std::int64_t end) {
      for (; slot < end; ++slot) look(slot + 1);
    });
  }
}

bool Uniform::ready() const {
  return std::ranges::all_of(scale_.value().values(), [](Scalar s) { return s > 0; });
}

// Both may come from a file, which may say anything.
std::optional<QParams> Uniform::params() const {
  QParams params = grid_;
  const std::span<const Scalar> scales = scale_.value().values(), zeros = zero_point_.value().values();
  params.scale.reserve(scales.size());
  params.zero_point.reserve(scales.size());
  for (std::size_t slot = 0; slot < scales.size(); ++slot) {
    const auto scale = static_cast<float>(scales[slot]);
    const Scalar zero = zeros[slot];
    const bool whole = zero >= static_cast<Scalar>(grid_.qmin) && zero <= static_cast<Scalar>(grid_.qmax) &&
                       zero == std::nearbyint(zero);
    if (!std::isfinite(scale) || !whole) {
      throw core::NumericError(site_.name, -1,
                               fmt::format("a scale must be finite and its zero point a whole number from {} to {}, "
                                           "received {} and {}",
                                           grid_.qmin, grid_.qmax, scale, zero));
    }
    params.scale.push_back(scale);
    params.zero_point.push_back(static_cast<std::int32_t>(zero));
  }
  return params;
}

Variable Uniform::forward(const Variable& x, ForwardContext& context) {
  const core::Random random = context.random(site_.name);
  return fake_quant(x, known_params(), surrogate_, context.training ? &random : nullptr);
}

// A channel is quantized as soon as its range is known, while it is near.
Variable Uniform::observed_forward(const Variable& x, ForwardContext& context) {
  const bool looks = observer_ != nullptr && x.shape().numel() > 0 && observer_->takes_ends() != nullptr;
  if (!looks) return Quantizer::observed_forward(x, context);
  const core::Random random = context.random(site_.name);
  Choice choice = choose();
  RangeOfRun range_of = [&choice](std::size_t slot, std::span<const Scalar> run) { return choice.look(slot, run); };
  if (slots() == 1) {  // whose runs are pieces of it
    range_of = [all = choice.look(0, x.value().values())](std::size_t, std::span<const Scalar>) { return all; };
  }
  constexpr std::int64_t kLeastBytes = 65536;  // fewer values stay in the second cache as floats, too
  const bool bytes = rule_.symmetric && x.shape().numel() >= kLeastBytes;
  return fake_quant(x, choice.params, surrogate_, context.training ? &random : nullptr, range_of, bytes);
}

Variable Uniform::pooled_pairs(const Variable& x, bool observes, ForwardContext& context) {
  const bool looks = observes && observer_ != nullptr;
  std::optional<Range> range;
  if (looks && slots() == 1 && observer_->takes_ends() != nullptr) {
    range = choose().look(0, x.value().values());
  } else if (looks) {
    observe(x.value());
  }
  if (!ready()) return core::max_pool2d(x);
  const core::Random random = context.random(site_.name);
  return fake_quant_pooled_pairs(x, known_params(), surrogate_, context.training ? &random : nullptr, range);
}

std::vector<nn::Buffer> Uniform::buffers() const {
  std::vector<nn::Buffer> all{{site_.name + ".scale", scale_.shape(), scale_, nn::Allowed::kPositiveOrUnset},
                              {site_.name + ".zero_point", zero_point_.shape(), zero_point_, nn::Allowed::kFinite}};
  if (observer_ == nullptr) return all;
  for (nn::Buffer& buffer : observer_->buffers()) all.push_back(std::move(buffer));
  return all;
}

void add_uniform(QuantizerRegistry& registry) {
  registry.add<Uniform>("uniform", "integers at equal distances, symmetric or affine");
}

}  // namespace tempera::quant
