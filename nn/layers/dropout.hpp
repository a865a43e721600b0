// Dropout (Srivastava et al. 2014): in training, numbers are zeroed at random
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"

namespace tempera::nn {

/// Elementwise; any shape. In training each number is zeroed with probability `rate` and otherwise divided by 1 − rate; in
/// evaluation it passes unchanged. The mask depends on (run's seed, layer's path, step).
class Dropout final : public Layer {
 public:
  struct Config {
    double rate = 0.5;
    void fields(core::FieldVisitor& v);
  };
  Dropout(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  void numbers(core::FieldVisitor& v) override { config_.fields(v); }
  [[nodiscard]] bool non_negative(bool input) const override { return input; }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples();

 private:
  Config config_;
};

}  // namespace tempera::nn
