// Layer normalisation (Ba et al. 2016, arXiv 1607.06450)
#pragma once

#include <optional>

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// y = (x − mean) / √(variance + ε) · gain + bias over the last `axes` axes; the variance divides by the count.
/// Parameters: gain and bias, of the shape of those axes.
class LayerNorm final : public Layer {
 public:
  struct Config {
    std::optional<std::int64_t> axes;  ///< how many trailing axes are normalised together; not set: all of a sample
    double epsilon = 1e-5;
    bool affine = true;
    void fields(core::FieldVisitor& v);
  };
  LayerNorm(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  /// Throws UnsupportedError: the mean and variance of each sample have no form in fixed-point integers here.
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  int axes_ = 0;
  double epsilon_;
  Variable gain_, bias_;
};

}  // namespace tempera::nn
