// Branches side by side, their outputs one after the other along the channels (Szegedy et al. 2014, arXiv 1409.4842).
#pragma once

#include <vector>

#include "tempera/nn/layer.hpp"
#include "tempera/nn/layer_builder.hpp"
#include "tempera/nn/layer_list.hpp"

namespace tempera::nn {

/// [batch, …] → each branch gives [batch, cᵢ, rest…] from the same input, together [batch, Σ cᵢ, rest…]. A branch without
/// layers is the input itself (Huang et al. 2016, arXiv 1608.06993).
class Concat final : public Layer {
 public:
  struct Config {
    std::vector<LayerList> branches;
    void fields(core::FieldVisitor& v, const core::TypeCatalog& layer_types);
  };
  Concat(const Config& config, LayerBuilder& b);
  Variable forward(const Variable& x, ForwardContext& context) override;
  GraphValue lower(GraphBuilder& graph, GraphValue x) const override;
  static std::vector<LayerExample<Config>> examples(const LayerRegistry& registry);

 private:
  /// The layers of a branch; children() has those of all, branch by branch.
  [[nodiscard]] std::span<const std::unique_ptr<Layer>> branch(std::size_t index) const;

  std::vector<std::size_t> ends_;  ///< behind the last layer of each branch
};

}  // namespace tempera::nn
