#include "tempera/quant/input_bits.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/ptq/tap.hpp"

namespace tempera::quant {
namespace {

constexpr int kFloatBits = 32;

bool keeps_grid(const nn::graph::Operation& operation) {
  return std::holds_alternative<nn::graph::Clamp>(operation) ||
         std::holds_alternative<nn::graph::MaxPool2d>(operation) ||
         std::holds_alternative<nn::graph::Reshape>(operation) || std::holds_alternative<nn::graph::Concat>(operation);
}

}  // namespace

std::map<std::string, int> input_bits(nn::Model& model, const QuantizationConfig& config) {
  const KeptTransforms kept(model);
  kept.remove();
  std::map<std::string, int> site_bits;
  for (const SitePlan& site : attach(model, config)) site_bits[site.site] = site.bits;
  const nn::Graph graph = nn::lower(model);
  std::map<std::string, int> result;
  std::vector<int> bits;  // of each value
  for (const nn::GraphNode& node : graph.nodes) {
    int most = 0;
    for (const nn::GraphValue input : node.inputs) most = std::max(most, bits[static_cast<std::size_t>(input)]);
    const auto* pass = std::get_if<nn::graph::Pass>(&node.operation);
    if (const auto* linear = std::get_if<nn::graph::Linear>(&node.operation)) result[linear->weight_site->name] = most;
    if (const auto* conv = std::get_if<nn::graph::Conv2d>(&node.operation)) result[conv->weight_site->name] = most;
    bits.push_back(pass != nullptr ? site_bits.at(pass->site->name) : keeps_grid(node.operation) ? most : kFloatBits);
  }
  return result;
}

}  // namespace tempera::quant
