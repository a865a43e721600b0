// Batch normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167)
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Of features [batch, n] or of channels [batch, c, h, w]: y = (x − mean) / √(variance + ε) · gain + bias per channel.
/// In training mean and variance are the batch's; the running ones, which evaluation uses, move towards them by
/// `momentum`: r ← (1 − momentum)·r + momentum·batch, with the unbiased variance (PyTorch's convention).
/// Parameters: gain [c], bias [c]. Buffers: running_mean [c], running_variance [c].
class BatchNorm final : public Layer {
 public:
  struct Config {
    double momentum = 0.1;
    double epsilon = 1e-5;
    bool affine = true;
    void fields(core::FieldVisitor& v);
  };
  BatchNorm(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  Config config_;
  Variable gain_, bias_;
  Variable running_mean_, running_variance_;
};

}  // namespace tempera::nn
