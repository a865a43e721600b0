// Swish, y = x·σ(βx), with a slope β that is learned (Ramachandran, Zoph & Le 2017, "Searching for Activation
// Functions"). β = 0 halves its input; β → ∞ makes it relu.
#pragma once

#include <string>
#include <vector>

#include "tempera/core/fields.hpp"
#include "tempera/core/ops/activations.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace own {

class Swish final : public tempera::nn::Layer {
 public:
  /// What a config may say of it: {"type": "swish", "slope": 1.5}
  struct Config {
    double slope = 1;
    void fields(tempera::core::FieldVisitor& v) {
      v.field("slope", slope, {.help = "β at the start of the training", .min = 0});
    }
  };

  /// Any shape; the output has the input's. The slope is one number for the whole layer.
  Swish(const Config& config, tempera::nn::LayerBuilder& builder)
      : slope_(builder.parameter("slope", {1}, static_cast<tempera::Scalar>(config.slope), tempera::nn::Role::kGain)) {}

  [[nodiscard]] tempera::core::Variable forward(const tempera::core::Variable& x,
                                                tempera::nn::ForwardContext& /*context*/) override {
    return x * tempera::core::sigmoid(x * slope_);
  }

  /// On these the project's contract tests would check its gradients, shapes and files.
  static std::vector<tempera::nn::LayerExample<Config>> examples() {
    return {{.config = {}, .input = {7}}, {.config = {.slope = 0.5}, .input = {2, 3, 3}}};
  }

 private:
  tempera::core::Variable slope_;
};

}  // namespace own
