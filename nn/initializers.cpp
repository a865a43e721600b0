#include "tempera/nn/initializers.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

#include "tempera/core/errors.hpp"

namespace tempera::nn {
namespace {

constexpr std::array<std::string_view, 2> kFans{"fan_in", "fan_out"};

double kaiming_deviation(const KaimingConfig& config, const core::Shape& shape) {
  const Fans f = fans(shape);
  const auto fan = static_cast<double>(config.fan == KaimingConfig::Fan::kIn ? f.in : f.out);
  return std::sqrt(2.0 / ((1.0 + config.negative_slope * config.negative_slope) * fan));
}

double xavier_deviation(double gain, const core::Shape& shape) {
  const Fans f = fans(shape);
  return gain * std::sqrt(2.0 / (static_cast<double>(f.in) + static_cast<double>(f.out)));
}

// Uniform of mean 0 and the given deviation.
void fill_centred(core::Tensor& tensor, const core::Random& random, double deviation) {
  const double bound = std::sqrt(3.0) * deviation;
  random.fill_uniform(tensor.mutable_values(), -bound, bound);
}

}  // namespace

Fans fans(const core::Shape& weight) {
  if (weight.rank() < 2) {
    throw core::ShapeError(
        fmt::format("initialisers by fan need a weight of shape [out, in, …], received {}", weight.text()));
  }
  std::int64_t receptive = 1;
  for (int axis = 2; axis < weight.rank(); ++axis) receptive *= weight[axis];
  return {.in = weight[1] * receptive, .out = weight[0] * receptive};
}

void KaimingConfig::fields(core::FieldVisitor& v) {
  v.field("negative_slope", negative_slope, {.help = "slope of the leaky ReLU that follows; 0 for ReLU, 1 for none"});
  v.choice("fan", fan, kFans, {.help = "what keeps its variance: activations (fan_in) or gradients (fan_out)"});
}

void GainConfig::fields(core::FieldVisitor& v) {
  v.field("gain", gain, {.help = "factor on the result; 1 for linear and sigmoid, 5/3 for tanh, √2 for ReLU"});
}

void NormalInit::Config::fields(core::FieldVisitor& v) {
  v.field("mean", mean, {.help = "mean of the normal distribution"});
  v.field("deviation", deviation, {.help = "its standard deviation", .min = 0});
}

void UniformInit::Config::fields(core::FieldVisitor& v) {
  v.field("low", low, {.help = "smallest value"});
  v.field("high", high, {.help = "bound that values stay below"});
  v.rule(low <= high, "high", "must not be below \"low\"");
}

void ConstantInit::Config::fields(core::FieldVisitor& v) {
  v.field("value", value, {.help = "what every number starts at"});
}

void KaimingNormal::fill(core::Tensor& tensor, const core::Random& random) const {
  random.fill_normal(tensor.mutable_values(), 0.0, kaiming_deviation(config_, tensor.shape()));
}

void KaimingUniform::fill(core::Tensor& tensor, const core::Random& random) const {
  fill_centred(tensor, random, kaiming_deviation(config_, tensor.shape()));
}

void XavierNormal::fill(core::Tensor& tensor, const core::Random& random) const {
  random.fill_normal(tensor.mutable_values(), 0.0, xavier_deviation(config_.gain, tensor.shape()));
}

void XavierUniform::fill(core::Tensor& tensor, const core::Random& random) const {
  fill_centred(tensor, random, xavier_deviation(config_.gain, tensor.shape()));
}

void NormalInit::fill(core::Tensor& tensor, const core::Random& random) const {
  random.fill_normal(tensor.mutable_values(), config_.mean, config_.deviation);
}

void UniformInit::fill(core::Tensor& tensor, const core::Random& random) const {
  random.fill_uniform(tensor.mutable_values(), config_.low, config_.high);
}

void ConstantInit::fill(core::Tensor& tensor, const core::Random& /*random*/) const {
  for (Scalar& value : tensor.mutable_values()) value = static_cast<Scalar>(config_.value);
}

InitializerRegistry::InitializerRegistry() : Registry("initializer") {
  add<KaimingNormal>("kaiming_normal", "normal, scaled by fan for layers followed by (leaky) ReLU");
  add<KaimingUniform>("kaiming_uniform", "uniform, scaled by fan for layers followed by (leaky) ReLU");
  add<XavierNormal>("xavier_normal", "normal, scaled by fan_in + fan_out");
  add<XavierUniform>("xavier_uniform", "uniform, scaled by fan_in + fan_out");
  add<OrthogonalInit>("orthogonal", "random rows at right angles");
  add<NormalInit>("normal", "normal distribution");
  add<UniformInit>("uniform", "uniform distribution");
  add<ConstantInit>("constant", "one value everywhere");
}

const InitializerRegistry& InitializerRegistry::builtin() {
  static const InitializerRegistry registry;
  return registry;
}

InitializerChoice default_weight_init() {
  const InitializerRegistry& registry = InitializerRegistry::builtin();
  auto choice = registry.create("kaiming_uniform");
  static_cast<InitializerRegistry::Of<KaimingUniform>&>(*choice).config.negative_slope = std::sqrt(5.0);
  return InitializerChoice(std::move(choice));
}

std::unique_ptr<Initializer> weight_initializer(const InitializerChoice& choice, const core::Shape& weight) {
  if (choice) return InitializerRegistry::builtin().make(*choice);
  const double bound = 1.0 / std::sqrt(static_cast<double>(fans(weight).in));
  return std::make_unique<UniformInit>(UniformInit::Config{.low = -bound, .high = bound});
}

}  // namespace tempera::nn
