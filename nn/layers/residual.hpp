// Residual block (He et al. 2015, arXiv 1512.03385): y = layers(x) + shortcut(x)
#pragma once

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"
#include "tempera/nn/layer_list.hpp"

namespace tempera::nn {

/// [batch, …] → what the layers give, to which x itself or what the shortcut's layers make of it is added; both must
/// have the same shape.
class Residual final : public Layer {
 public:
  struct Config {
    LayerList layers;
    LayerList shortcut;  ///< none: x itself
    void fields(core::FieldVisitor& v, const core::TypeCatalog& layer_types);
  };
  Residual(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  [[nodiscard]] bool non_negative(bool input) const override {
    return all_non_negative(children().first(body_), input) && all_non_negative(children().subspan(body_), input);
  }
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples(const LayerRegistry& registry);

 private:
  std::size_t body_ = 0;  ///< the first this many children are `layers`, the others `shortcut`
};

}  // namespace tempera::nn
