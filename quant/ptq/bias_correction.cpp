#include "tempera/quant/ptq/bias_correction.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <variant>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/ptq/tap.hpp"

namespace tempera::quant {
namespace {

struct Target {
  std::string layer;  // whose output is looked at
  nn::Variable bias;
};

std::vector<Target> targets_of(const nn::Graph& graph) {
  const std::vector<FoldedPair> pairs = folded_pairs(graph);
  std::vector<Target> targets;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const nn::GraphNode& node = graph.nodes[i];
    Target target{.layer = node.layer, .bias = {}};
    if (const auto* linear = std::get_if<nn::graph::Linear>(&node.operation)) {
      target.bias = linear->bias;
    } else if (const auto* conv = std::get_if<nn::graph::Conv2d>(&node.operation)) {
      target.bias = conv->bias;
    } else {
      continue;
    }
    const auto pair = std::ranges::find(pairs, static_cast<nn::GraphValue>(i), &FoldedPair::weighted);
    if (pair != pairs.end()) {
      const nn::GraphNode& norm = graph[pair->norm];
      target = {.layer = norm.layer, .bias = std::get<nn::graph::BatchNorm>(norm.operation).bias};
    }
    if (!target.bias.empty()) targets.push_back(std::move(target));
  }
  return targets;
}

// Running sums of each channel: axis 1 of [batch, channels, …].
struct ChannelMeans {
  std::vector<double> sums;
  double count = 0;

  void add(const core::Tensor& y) {
    const auto channels = static_cast<std::size_t>(y.shape()[1]);
    sums.resize(channels, 0);
    const std::size_t cells = y.values().size() / static_cast<std::size_t>(y.shape()[0]) / channels;
    for (std::size_t i = 0; i < y.values().size(); ++i) {
      sums[i / cells % channels] += static_cast<double>(y.values()[i]);
    }
    count += static_cast<double>(y.shape()[0]) * static_cast<double>(cells);
  }
  [[nodiscard]] double mean(std::size_t channel) const { return sums[channel] / count; }
};

using Means = std::vector<std::shared_ptr<ChannelMeans>>;

// Means of the outputs of all targets in one run; the transforms that are in the model act.
Means means_of(nn::Model& model, const std::vector<Target>& targets, core::BatchSource& source, std::int64_t images) {
  const KeptTransforms kept(model);
  Means all;
  for (const Target& target : targets) {
    const auto means = all.emplace_back(std::make_shared<ChannelMeans>());
    nn::Site& site = site_named(model, target.layer + ".output");
    site.transform = std::make_shared<Tap>(site.transform, [means](const core::Tensor& y) { means->add(y); });
  }
  run_images(model, source, images);
  return all;
}

double largest_shift(const ChannelMeans& now, const ChannelMeans& wanted) {
  double largest = 0;
  for (std::size_t c = 0; c < wanted.sums.size(); ++c)
    largest = std::max(largest, std::abs(now.mean(c) - wanted.mean(c)));
  return largest;
}

}  // namespace

std::vector<BiasShift> correct_biases(nn::Model& model, core::BatchSource& source, std::int64_t images) {
  const std::vector<Target> targets = targets_of(nn::lower(model));
  Means floats;
  {
    const KeptTransforms kept(model);
    kept.remove();
    floats = means_of(model, targets, source, images);
  }
  std::vector<BiasShift> shifts;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const Means before = means_of(model, targets, source, images);
    const std::span<Scalar> bias = targets[t].bias.mutable_value().mutable_values();
    for (std::size_t c = 0; c < bias.size(); ++c) {
      bias[c] = static_cast<Scalar>(static_cast<double>(bias[c]) - (before[t]->mean(c) - floats[t]->mean(c)));
    }
    const Means after = means_of(model, targets, source, images);
    shifts.push_back({.layer = targets[t].layer,
                      .largest_before = largest_shift(*before[t], *floats[t]),
                      .largest_after = largest_shift(*after[t], *floats[t])});
  }
  return shifts;
}

}  // namespace tempera::quant
