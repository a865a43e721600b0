#include "tempera/nn/layers/layer_norm.hpp"

#include <fmt/format.h>

#include "tempera/core/errors.hpp"
#include "tempera/core/ops/norm.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

void LayerNorm::Config::fields(core::FieldVisitor& v) {
  v.field("axes", axes,
          {.help = "how many trailing axes are normalised together; not set: the whole sample", .min = 1});
  v.field("epsilon", epsilon, {.help = "added to the variance", .min = kLeastPositive});
  v.field("affine", affine, {.help = "whether a learned gain and bias follow"});
}

LayerNorm::LayerNorm(const Config& config, LayerBuilder& b) : epsilon_(config.epsilon) {
  const core::Shape& input = b.input();
  const std::int64_t axes = config.axes.value_or(input.rank());
  if (axes < 1 || axes > input.rank()) {
    b.fail(fmt::format("\"axes\" must be between 1 and the {} of a sample {}, received {}", input.rank(), input.text(),
                       axes));
  }
  axes_ = static_cast<int>(axes);
  if (!config.affine) return;
  const core::Shape normalized(input.extents().last(static_cast<std::size_t>(axes_)));
  gain_ = b.parameter("gain", normalized, Scalar{1}, Role::kGain);
  bias_ = b.parameter("bias", normalized, Scalar{0}, Role::kBias);
}

Variable LayerNorm::forward(const Variable& x, ForwardContext& /*context*/) {
  return core::layer_norm(x, axes_, gain_, bias_, epsilon_);
}

GraphValue LayerNorm::lower(GraphBuilder& /*graph*/, GraphValue /*x*/) const {
  throw core::UnsupportedError(info().label(),
                               "divides each sample by a deviation of its own, which has no fixed-point form here (a "
                               "batch_norm in its place folds into the weights before it)");
}

std::vector<LayerExample<LayerNorm::Config>> LayerNorm::examples() {
  return {{.config = {}, .input = {6}},
          {.config = {.axes = 1, .affine = false}, .input = {2, 5}},
          {.config = {}, .input = {2, 3, 3}}};
}

void add_layer_norm(LayerRegistry& registry) {
  registry.add<LayerNorm>("layer_norm", "normalises each sample to mean 0 and variance 1");
}

}  // namespace tempera::nn
