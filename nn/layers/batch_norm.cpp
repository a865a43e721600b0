#include "tempera/nn/layers/batch_norm.hpp"

#include <fmt/format.h>

#include "tempera/core/ops/norm.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

namespace {

void move_towards(const Variable& running, const core::Tensor& batch, double momentum) {
  const std::span<Scalar> values = running.mutable_value().mutable_values();
  const auto share = static_cast<Scalar>(momentum);
  for (std::size_t c = 0; c < values.size(); ++c) values[c] += share * (batch.values()[c] - values[c]);
}

}  // namespace

void BatchNorm::Config::fields(core::FieldVisitor& v) {
  v.field("momentum", momentum, {.help = "share of the newest batch in the running statistics", .min = 0, .max = 1});
  v.field("epsilon", epsilon, {.help = "added to the variance", .min = kLeastPositive});
  v.field("affine", affine, {.help = "whether a learned gain and bias follow"});
}

BatchNorm::BatchNorm(const Config& config, LayerBuilder& b) : config_(config) {
  const core::Shape& input = b.input();
  if (input.rank() != 1 && input.rank() != 3) {
    b.fail(fmt::format("expects a sample of shape [features] or [channels, height, width], received {}", input.text()));
  }
  const core::Shape channels({input[0]});
  if (config.affine) {
    gain_ = b.parameter("gain", channels, Scalar{1}, Role::kGain);
    bias_ = b.parameter("bias", channels, Scalar{0}, Role::kBias);
  }
  running_mean_ = b.buffer("running_mean", channels, Scalar{0}, Allowed::kFinite);
  running_variance_ = b.buffer("running_variance", channels, Scalar{1}, Allowed::kNotNegative);
}

Variable BatchNorm::forward(const Variable& x, ForwardContext& context) {
  if (!context.training || !context.batch_statistics) {
    return core::batch_norm_evaluation(x, gain_, bias_, running_mean_.value(), running_variance_.value(),
                                       config_.epsilon);
  }
  core::BatchNormResult result = core::batch_norm_training(x, gain_, bias_, config_.epsilon);
  move_towards(running_mean_, result.mean, config_.momentum);
  move_towards(running_variance_, result.unbiased_variance, config_.momentum);
  return result.output;
}

GraphValue BatchNorm::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::BatchNorm{gain_, bias_, running_mean_, running_variance_, config_.epsilon}, {x},
                   info().output);
}

std::vector<LayerExample<BatchNorm::Config>> BatchNorm::examples() {
  return {{.config = {}, .input = {4}}, {.config = {.momentum = 0.3, .affine = false}, .input = {2, 3, 3}}};
}

void add_batch_norm(LayerRegistry& registry) {
  registry.add<BatchNorm>("batch_norm", "normalises each channel by the statistics of the batch");
}

}  // namespace tempera::nn
