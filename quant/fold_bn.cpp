#include "tempera/quant/fold_bn.hpp"

#include <cmath>
#include <variant>

namespace tempera::quant {
namespace {

using core::Tensor;
using nn::graph::BatchNorm;

double at(const nn::Variable& values, std::size_t channel, double otherwise) {
  return values.empty() ? otherwise : static_cast<double>(values.value().values()[channel]);
}

}  // namespace

Tensor fold_factor(const BatchNorm& norm) {
  Tensor factor(norm.mean.shape());
  const std::span<Scalar> values = factor.mutable_values();
  for (std::size_t c = 0; c < values.size(); ++c) {
    values[c] = static_cast<Scalar>(at(norm.gain, c, 1) / std::sqrt(at(norm.variance, c, 1) + norm.epsilon));
  }
  return factor;
}

Tensor invertible_factor(const BatchNorm& norm) {
  Tensor factor = fold_factor(norm);
  for (Scalar& f : factor.mutable_values()) {
    if (f == 0) f = 1;
  }
  return factor;
}

Tensor folded_bias(const BatchNorm& norm, const Tensor& bias) {
  Tensor folded = fold_factor(norm);
  const std::span<Scalar> values = folded.mutable_values();
  for (std::size_t c = 0; c < values.size(); ++c) {
    const double before = bias.empty() ? 0.0 : static_cast<double>(bias.values()[c]);
    const double shifted = static_cast<double>(values[c]) * (before - at(norm.mean, c, 0));
    values[c] = static_cast<Scalar>(at(norm.bias, c, 0) + shifted);
  }
  return folded;
}

Tensor scaled_channels(const Tensor& weight, const Tensor& factor) {
  Tensor scaled(weight.shape());
  const std::span<Scalar> to = scaled.mutable_values();
  const std::size_t row = factor.numel() == 0 ? 0 : to.size() / static_cast<std::size_t>(factor.numel());
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = weight.values()[i] * factor.values()[i / row];
  return scaled;
}

std::vector<FoldedPair> folded_pairs(const nn::Graph& graph) {
  std::vector<int> readers(graph.nodes.size(), 0);
  for (const nn::GraphNode& node : graph.nodes) {
    for (const nn::GraphValue input : node.inputs) ++readers[static_cast<std::size_t>(input)];
  }
  std::vector<FoldedPair> pairs;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!std::holds_alternative<BatchNorm>(graph.nodes[i].operation)) continue;
    const nn::GraphValue before = graph.nodes[i].inputs[0];
    const nn::graph::Operation& operation = graph[before].operation;
    const bool weighted =
        std::holds_alternative<nn::graph::Linear>(operation) || std::holds_alternative<nn::graph::Conv2d>(operation);
    if (weighted && readers[static_cast<std::size_t>(before)] == 1) {
      pairs.push_back({.weighted = before, .norm = static_cast<nn::GraphValue>(i)});
    }
  }
  return pairs;
}

}  // namespace tempera::quant
