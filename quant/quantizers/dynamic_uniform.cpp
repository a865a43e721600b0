#include "tempera/quant/quantizers/dynamic_uniform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tempera/core/errors.hpp"
#include "tempera/core/kernels/table.hpp"
#include "tempera/quant/runs.hpp"

namespace tempera::quant {
namespace {

using core::Tensor;

constexpr std::int64_t kMostBits = 8;

const Uniform::Config* uniform_of(const core::Configurable& quantizer) {
  const auto* known = dynamic_cast<const QuantizerRegistry::Of<Uniform>*>(&quantizer);
  return known == nullptr ? nullptr : &known->config;
}

}  // namespace

std::optional<DynamicComplaint> dynamic_complaint(const core::Configurable& quantizer) {
  const Uniform::Config* config = uniform_of(quantizer);
  if (config == nullptr) {
    return {{"quantizer/type",
             fmt::format("dynamic quantization knows \"uniform\" alone, received \"{}\"", quantizer.type())}};
  }
  if (config->bits > kMostBits) {
    return {{"quantizer/bits",
             fmt::format("dynamic quantization takes 2 to {} bits, received {}", kMostBits, config->bits)}};
  }
  if (config->scale) {
    return {{"quantizer/scale", "has nothing to do in dynamic quantization: every sample has a scale of its own"}};
  }
  if (config->observer) {
    return {
        {"quantizer/observer", "has nothing to do in dynamic quantization: a sample's range is that of its values"}};
  }
  if (config->granularity != Granularity::kTensor) {
    return {
        {"quantizer/granularity", "has nothing to do in dynamic quantization: all values of a sample share a scale"}};
  }
  return std::nullopt;
}

DynamicUniform::DynamicUniform(const Uniform::Config& config, const SiteFacts& site)
    : site_(site), grid_(uniform_grid(config, site)), rule_(uniform_rule(config, site)), surrogate_(config.surrogate) {
  grid_.granularity = Granularity::kChannel;  // along the batch
}

QParams DynamicUniform::rows(const Tensor& x) const {
  QParams params;
  rows(x, params);
  return params;
}

void DynamicUniform::rows(const Tensor& x, QParams& params) const {
  params = grid_;
  const std::int64_t batch = x.dim(0);
  params.scale.assign(static_cast<std::size_t>(batch), 1);
  params.zero_point.assign(static_cast<std::size_t>(batch), 0);
  if (x.numel() == 0) return;
  const std::int64_t row = x.numel() / batch;
  core::parallel_for(batch, std::max<std::int64_t>(1, kRunGrain / row), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      Scalar low = 0, high = 0;
      core::kernels().min_max(row, x.data() + i * row, &low, &high);
      if (!std::isfinite(low) || !std::isfinite(high)) {
        throw core::NumericError(
            site_.name, -1, fmt::format("sample {} of the batch has a value that is not finite, and so no range", i));
      }
      set_scale(params, static_cast<std::size_t>(i), {static_cast<float>(low), static_cast<float>(high)}, rule_);
    }
  });
}

Variable DynamicUniform::forward(const Variable& x, ForwardContext& context) {
  const core::Random random = context.random(site_.name);
  return fake_quant(x, rows(x.value()), surrogate_, context.training ? &random : nullptr);
}

Integers DynamicUniform::integers(const Tensor& x) const {
  Integers result{.values = std::vector<std::int32_t>(static_cast<std::size_t>(x.numel())), .params = rows(x)};
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    result.values[at] = result.params.quantize(static_cast<float>(x.values()[at]), result.params.slot(i, x.shape()));
  }
  return result;
}

std::unique_ptr<Quantizer> make_dynamic(const core::Configurable& quantizer, const SiteFacts& site) {
  if (const auto complaint = dynamic_complaint(quantizer)) {
    throw core::ConfigError(fmt::format("\"{}\" {}", complaint->field, complaint->message));
  }
  if (site.is_weight()) {
    throw core::ConfigError(
        fmt::format("site \"{}\" is a weight: weights do not change from sample to sample, so they "
                    "are quantized ahead (\"static\")",
                    site.name));
  }
  return std::make_unique<DynamicUniform>(*uniform_of(quantizer), site);
}

}  // namespace tempera::quant
