// y = x·Wᵀ + b
#pragma once

#include "tempera/core/ops/matmul.hpp"
#include "tempera/nn/initializers.hpp"
#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// [batch, in] → [batch, out]. Parameters: weight [out, in], bias [out].
class Linear final : public Layer {
 public:
  struct Config {
    std::int64_t out = 1;
    bool bias = true;
    InitializerChoice init = default_weight_init();
    InitializerChoice bias_init;  ///< not set: uniform ±1/√in
    void fields(core::FieldVisitor& v, const core::TypeCatalog& layers);
  };
  Linear(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool fuses(const Tail& tail) const noexcept override;
  Variable forward_fused(const Variable& x, const Tail& tail, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  Variable weight_, bias_;
  core::KeptPanels kept_;  // of evaluation
};

}  // namespace tempera::nn
