#include "tempera/quant/ptq/adaround.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <optional>
#include <variant>

#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/optimizer.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/ptq/tap.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;
using core::Variable;

// The stretch of the rectified sigmoid: h = clamp(σ(V)·(ζ − γ) + γ, 0, 1) with ζ = 1.1, γ = −0.1 (eq. 23).
constexpr double kZeta = 1.1, kGamma = -0.1;

struct Layer {
  std::string name;
  Variable weight;
  const nn::Site* site = nullptr;
  std::optional<core::Conv2dOptions> conv;  // linear without

  [[nodiscard]] Variable operator()(const Variable& x, const Variable& w) const {
    return conv ? core::conv2d(x, w, {}, *conv) : core::linear(x, w);
  }
};

std::vector<Layer> weighted_layers(const nn::Graph& graph) {
  std::vector<Layer> layers;
  for (const nn::GraphNode& node : graph.nodes) {
    if (const auto* linear = std::get_if<nn::graph::Linear>(&node.operation)) {
      layers.push_back({.name = node.layer, .weight = linear->weight, .site = linear->weight_site, .conv = {}});
    } else if (const auto* conv = std::get_if<nn::graph::Conv2d>(&node.operation)) {
      layers.push_back({.name = node.layer, .weight = conv->weight, .site = conv->weight_site, .conv = conv->options});
    }
  }
  return layers;
}

// What enters a layer, image after image.
class Rows {
 public:
  void add(const Tensor& x) {
    shape_ = x.shape();
    values_.insert(values_.end(), x.values().begin(), x.values().end());
  }
  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(values_.size()) / row(); }
  [[nodiscard]] Tensor gathered(const std::vector<std::int64_t>& which) const {
    Tensor batch(shape_.without_batch().with_batch(static_cast<std::int64_t>(which.size())));
    Scalar* to = batch.mutable_data();
    for (const std::int64_t i : which) to = std::copy_n(values_.data() + i * row(), row(), to);
    return batch;
  }

 private:
  [[nodiscard]] std::int64_t row() const { return shape_.numel() / shape_[0]; }
  core::Shape shape_;
  std::vector<Scalar> values_;
};

Rows inputs_of(nn::Model& model, const std::string& layer, core::BatchSource& source, std::int64_t images) {
  const auto rows = std::make_shared<Rows>();
  const KeptTransforms kept(model);
  // What the layer sees is what the transform of its input site gives, so a tap of its own stands behind that.
  nn::Site& site = site_named(model, layer + ".input");
  struct After final : nn::ValueTransform {
    After(std::shared_ptr<nn::ValueTransform> i, std::shared_ptr<Rows> r) : inner(std::move(i)), rows(std::move(r)) {}
    Variable operator()(const Variable& value, nn::ForwardContext& context) override {
      Variable seen = inner == nullptr ? value : (*inner)(value, context);
      rows->add(seen.value());
      return seen;
    }
    std::shared_ptr<nn::ValueTransform> inner;
    std::shared_ptr<Rows> rows;
  };
  site.transform = std::make_shared<After>(site.transform, rows);
  run_images(model, source, images);
  return std::move(*rows);
}

// A layer's weight on its grid: w = s·(floor + fraction), in the domain in which it is quantized.
struct Grid {
  Tensor folded, floor, fraction, scale, low, high;  // all of the weight's shape; low and high bound floor + h
};

std::optional<Grid> grid_of(const Tensor& folded, const Quantizer& quantizer, std::string& why) {
  const std::optional<QParams> params = quantizer.ready() ? quantizer.params() : std::nullopt;
  if (!params) {
    why = "its quantizer has no grid of integers";
    return std::nullopt;
  }
  if (!params->thresholds.empty()) {
    why = "its steps are of unequal width, and rounding to a neighbour is none of them";
    return std::nullopt;
  }
  if (params->rounding == Rounding::kFloor) {
    why = "its quantizer rounds down, and would not find the chosen integers in the weight again";
    return std::nullopt;
  }
  const Integers nearest = quantizer.integers(folded);
  const core::Shape& shape = folded.shape();
  Grid g{folded, Tensor(shape), Tensor(shape), Tensor(shape), Tensor(shape), Tensor(shape)};
  for (std::int64_t i = 0; i < folded.numel(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::size_t slot = params->slot(i, shape);
    const auto w = static_cast<float>(folded.values()[at]);
    if (params->quantize(w, slot) != nearest.values[at]) {
      why = "its quantizer does more than round to a grid";
      return std::nullopt;
    }
    const double ratio = static_cast<double>(w / params->scale[slot]);
    const double zero = params->zero_point[slot];
    g.floor.mutable_values()[at] = static_cast<Scalar>(std::floor(ratio));
    g.fraction.mutable_values()[at] = static_cast<Scalar>(ratio - std::floor(ratio));
    g.scale.mutable_values()[at] = static_cast<Scalar>(params->scale[slot]);
    g.low.mutable_values()[at] = static_cast<Scalar>(params->qmin - zero);
    g.high.mutable_values()[at] = static_cast<Scalar>(params->qmax - zero);
  }
  return g;
}

// s·clamp(floor + h).
Variable weight_at(const Grid& g, const Variable& h) {
  const Variable q = core::maximum(core::minimum(Variable(g.floor) + h, Variable(g.high)), Variable(g.low));
  return q * Variable(g.scale);
}

Variable rectified_sigmoid(const Variable& v) {
  return core::clamp(core::sigmoid(v) * (kZeta - kGamma) + kGamma, 0, 1);
}

// The V at which h is the fraction.
Variable start_of(const Grid& g) {
  Tensor v(g.fraction.shape());
  for (std::size_t i = 0; i < v.values().size(); ++i) {
    const double p = (static_cast<double>(g.fraction.values()[i]) - kGamma) / (kZeta - kGamma);
    v.mutable_values()[i] = static_cast<Scalar>(std::log(p / (1 - p)));
  }
  return Variable(v, true);
}

// Up where `h` is at least a half; a fraction of exactly ½ rounds to even, as the nearest does.
Tensor nearest_choice(const Grid& g) {
  Tensor up(g.fraction.shape());
  for (std::size_t i = 0; i < up.values().size(); ++i) {
    const auto ratio = static_cast<double>(g.floor.values()[i]) + static_cast<double>(g.fraction.values()[i]);
    up.mutable_values()[i] =
        static_cast<Scalar>(std::nearbyint(ratio) > static_cast<double>(g.floor.values()[i]) ? 1 : 0);
  }
  return up;
}

class Fit {
 public:
  Fit(const Layer& layer, const Grid& grid, const Rows& floats, const Rows& quantized, const AdaRoundConfig& config)
      : layer_(layer), grid_(grid), floats_(floats), quantized_(quantized), config_(config) {}

  // Mean squared error over all images.
  [[nodiscard]] double error(const Tensor& choice) const {
    const core::NoGrad no_history;
    const Variable w = weight_at(grid_, Variable(choice));
    double sum = 0;
    for (std::int64_t from = 0; from < floats_.count(); from += kChunk) {
      std::vector<std::int64_t> which;
      for (std::int64_t i = from; i < std::min(from + kChunk, floats_.count()); ++i) which.push_back(i);
      sum += static_cast<double>(loss(which, w).value().item()) * static_cast<double>(which.size());
    }
    return sum / static_cast<double>(floats_.count());
  }

  [[nodiscard]] Tensor choose(double nearest_error, const std::atomic<bool>* interrupt) const {
    const Variable v = start_of(grid_);
    const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
    const auto config = registry.create("adam");
    const auto adam = registry.make(
        *config,
        {{.name = "v", .shape = v.shape(), .variable = v, .learning_rate_scale = config_.learning_rate / kAdamRate}});
    const core::Random random(static_cast<std::uint64_t>(config_.seed), "adaround " + layer_.name);
    for (std::int64_t step = 0; step < config_.iterations; ++step) {
      if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) {
        throw core::Interrupted("interrupted while choosing how weights round");
      }
      core::backward(objective(v, nearest_error, step, random));
      adam->step();
      adam->zero_grad();
    }
    Tensor choice(v.shape());
    for (std::size_t i = 0; i < choice.values().size(); ++i) {
      choice.mutable_values()[i] = static_cast<Scalar>(v.value().values()[i] >= 0 ? 1 : 0);  // h(0) = ½
    }
    return choice;
  }

 private:
  static constexpr std::int64_t kChunk = 256;
  static constexpr double kAdamRate = 0.001;  // its default, which the parameter's own rate multiplies

  [[nodiscard]] Variable loss(const std::vector<std::int64_t>& which, const Variable& w) const {
    const Variable wanted = layer_(Variable(floats_.gathered(which)), Variable(grid_.folded));
    return core::mean(core::square(layer_(Variable(quantized_.gathered(which)), w) - wanted.detach()));
  }
  [[nodiscard]] Variable objective(const Variable& v, double nearest_error, std::int64_t step,
                                   const core::Random& random) const {
    std::vector<std::int64_t> which;
    const std::int64_t batch = std::min(config_.batch, floats_.count());
    for (std::int64_t i = 0; i < batch; ++i) {
      const auto index = static_cast<std::uint64_t>(step * batch + i);
      which.push_back(static_cast<std::int64_t>(random.below(index, static_cast<std::uint64_t>(floats_.count()))));
    }
    const Variable h = rectified_sigmoid(v);
    Variable fit = loss(which, weight_at(grid_, h)) / nearest_error;
    const double done = static_cast<double>(step) / static_cast<double>(config_.iterations);
    if (done < config_.warmup) return fit;
    const double share = (done - config_.warmup) / (1 - config_.warmup);
    const double beta =
        config_.beta_to + (config_.beta_from - config_.beta_to) * (1 + std::cos(std::numbers::pi * share)) / 2;
    const Variable undecided = 1 - core::pow(core::abs(2 * h - 1), beta);
    return fit + config_.regularization * core::mean(undecided);
  }

  const Layer& layer_;
  const Grid& grid_;
  const Rows &floats_, &quantized_;
  const AdaRoundConfig& config_;
};

std::int64_t differences(const Tensor& a, const Tensor& b) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i) count += a.values()[i] != b.values()[i] ? 1 : 0;
  return count;
}

// Back from the domain of the grid.
void write(const Layer& layer, const Tensor& folded, const SiteQuantizer& quantizer) {
  Tensor weight = folded;
  if (const auto& norm = quantizer.folded()) {
    Tensor inverse = invertible_factor(*norm);
    for (Scalar& f : inverse.mutable_values()) f = 1 / f;
    weight = scaled_channels(folded, inverse);
  }
  layer.weight.set_value(weight);
}

}  // namespace

void AdaRoundConfig::fields(core::FieldVisitor& v) {
  v.field("images", images, {.help = "images whose activations the layers are fitted to", .unit = "images", .min = 1});
  v.field("iterations", iterations, {.help = "steps of Adam for each layer", .min = 1});
  v.field("batch", batch,
          {.help = "images a step; of more than `images`, as many", .unit = "images", .min = 1, .max = 1e6});
  v.field("learning_rate", learning_rate, {.help = "of Adam", .min = 0, .above_min = true});
  v.field("regularization", regularization,
          {.help = "weight of the term that drives weights up or down, where the error of nearest rounding is 1",
           .min = 0});
  v.field("warmup", warmup, {.help = "share of the steps without that term", .min = 0, .max = 1, .below_max = true});
  v.field("beta_from", beta_from, {.help = "exponent of that term at first", .min = 1});
  v.field("beta_to", beta_to, {.help = "exponent of that term at the end", .min = 1});
  v.field("seed", seed, {.help = "of the order of images", .min = 0});
}

std::vector<RoundedLayer> adaround(nn::Model& model, core::BatchSource& source, const AdaRoundConfig& config,
                                   const std::atomic<bool>* interrupt) {
  std::vector<RoundedLayer> results;
  const std::vector<Layer> layers = weighted_layers(nn::lower(model));
  std::vector<Rows> floats;
  {
    const KeptTransforms kept(model);
    kept.remove();
    for (const Layer& layer : layers) floats.push_back(inputs_of(model, layer.name, source, config.images));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    RoundedLayer& result = results.emplace_back(RoundedLayer{.layer = layer.name});
    SiteQuantizer* quantizer = layer.site == nullptr ? nullptr : quantizer_of(*layer.site);
    if (quantizer == nullptr) {
      result.skipped = "its weight is not quantized";
      continue;
    }
    const Tensor& weight = layer.weight.value();
    const auto& norm = quantizer->folded();
    const Tensor folded = norm ? scaled_channels(weight, invertible_factor(*norm)) : weight;
    const std::optional<Grid> grid = grid_of(folded, quantizer->quantizer(), result.skipped);
    if (!grid) continue;
    const Rows quantized = inputs_of(model, layer.name, source, config.images);
    const Fit fit(layer, *grid, floats[i], quantized, config);
    const Tensor nearest = nearest_choice(*grid);
    result.nearest_error = result.error = fit.error(nearest);
    Tensor best = nearest;
    if (result.nearest_error > 0) {
      const Tensor found = fit.choose(result.nearest_error, interrupt);
      const double error = fit.error(found);
      if (error < result.nearest_error) {
        best = found;
        result.error = error;
      }
    }
    result.changed = differences(best, nearest);
    result.weights = weight.numel();
    result.site = layer.site->name;
    result.before = weight;
    write(layer, weight_at(*grid, Variable(best)).value(), *quantizer);
    floats[i] = Rows();
  }
  return results;
}

}  // namespace tempera::quant
