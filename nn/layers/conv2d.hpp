// Two-dimensional convolution (cross-correlation, as everywhere in the field).
#pragma once

#include "tempera/core/ops/conv2d.hpp"
#include "tempera/nn/initializers.hpp"
#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// [batch, c, h, w] → [batch, out, h', w'] with h' = (h + 2·padding − dilation·(kernel−1) − 1) / stride + 1, rounded down.
/// Parameters: weight [out, c/groups, kernel, kernel], bias [out]. Depthwise: groups = c.
class Conv2d final : public Layer {
 public:
  struct Config {
    std::int64_t out = 1;
    std::int64_t kernel = 3;
    std::int64_t stride = 1;
    std::int64_t padding = 0;
    std::int64_t dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    core::ConvAlgorithm algorithm = core::ConvAlgorithm::kAuto;
    InitializerChoice init = default_weight_init();
    InitializerChoice bias_init;  ///< not set: uniform ±1/√fan_in
    void fields(core::FieldVisitor& v, const core::TypeCatalog& layers);
  };
  Conv2d(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool fuses(const Tail& tail) const noexcept override;
  Variable forward_fused(const Variable& x, const Tail& tail, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  core::Conv2dOptions options_;
  Variable weight_, bias_;
  core::KeptFilters kept_;  // of evaluation
};

}  // namespace tempera::nn
