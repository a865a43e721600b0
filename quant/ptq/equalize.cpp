#include "tempera/quant/ptq/equalize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <variant>

#include "tempera/nn/graph.hpp"
#include "tempera/quant/fold_bn.hpp"

namespace tempera::quant {
namespace {

using core::Variable;
using nn::Graph;
using nn::GraphNode;
using nn::GraphValue;
using nn::graph::BatchNorm;

struct Weighted {
  Variable weight, bias;
  std::int64_t groups = 1;
};

std::optional<Weighted> weighted(const GraphNode& node) {
  if (const auto* linear = std::get_if<nn::graph::Linear>(&node.operation))
    return Weighted{linear->weight, linear->bias};
  if (const auto* conv = std::get_if<nn::graph::Conv2d>(&node.operation)) {
    return Weighted{conv->weight, conv->bias, conv->options.groups};
  }
  return std::nullopt;
}

// f(x/s) = f(x)/s for every s > 0 and each channel.
bool passes_factors(const GraphNode& node) {
  if (const auto* clamp = std::get_if<nn::graph::Clamp>(&node.operation)) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    return (clamp->low == 0 || clamp->low == -kNone) && clamp->high == kNone;
  }
  return std::holds_alternative<nn::graph::Pass>(node.operation) ||
         std::holds_alternative<nn::graph::MaxPool2d>(node.operation) ||
         std::holds_alternative<nn::graph::AvgPool2d>(node.operation) ||
         std::holds_alternative<nn::graph::GlobalAvgPool2d>(node.operation) ||
         std::holds_alternative<nn::graph::Reshape>(node.operation);
}

struct LayerPair {
  const GraphNode *first_node, *second_node;
  Weighted first, second;
  std::optional<BatchNorm> norm;  // behind the first
};

class Readers {
 public:
  explicit Readers(const Graph& graph) : readers_(graph.nodes.size()) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      for (const GraphValue in : graph.nodes[i].inputs) readers_[static_cast<std::size_t>(in)].push_back(i);
    }
  }
  // The only reader of a value, or null.
  [[nodiscard]] const std::size_t* only(std::size_t node) const {
    return readers_[node].size() == 1 ? readers_[node].data() : nullptr;
  }

 private:
  std::vector<std::vector<std::size_t>> readers_;
};

// Whether each input of `pair.second` belongs to one channel of the first layer.
bool fits(const LayerPair& pair) {
  const std::int64_t channels = pair.first.weight.shape()[0];
  const core::Shape& to = pair.second.weight.shape();
  if (to.rank() == 2) return to[1] % channels == 0;
  return to[1] * pair.second.groups == channels;
}

std::optional<LayerPair> pair_from(const Graph& graph, const Readers& readers, std::size_t start) {
  const std::optional<Weighted> first = weighted(graph.nodes[start]);
  if (!first) return std::nullopt;
  LayerPair pair{.first_node = &graph.nodes[start], .second_node = nullptr, .first = *first, .second = {}, .norm = {}};
  bool may_be_norm = true;
  for (const std::size_t* at = readers.only(start); at != nullptr; at = readers.only(*at)) {
    const GraphNode& node = graph.nodes[*at];
    if (const auto second = weighted(node)) {
      pair.second_node = &node;
      pair.second = *second;
      return fits(pair) ? std::optional(pair) : std::nullopt;
    }
    const auto* norm = std::get_if<BatchNorm>(&node.operation);
    if (norm != nullptr && may_be_norm && !norm->gain.empty() && !norm->bias.empty()) {
      pair.norm = *norm;
    } else if (!passes_factors(node)) {
      return std::nullopt;
    }
    may_be_norm = false;
  }
  return std::nullopt;
}

// Calls use(element, channel of the first layer) for every element of the second layer's weight.
template <class Use>
void each_input(const LayerPair& pair, Use use) {
  const core::Shape& shape = pair.second.weight.shape();
  const std::int64_t channels = pair.first.weight.shape()[0], n = shape.numel();
  if (shape.rank() == 2) {
    const std::int64_t spread = shape[1] / channels;  // a flattened map has several inputs a channel
    for (std::int64_t i = 0; i < n; ++i) use(i, i % shape[1] / spread);
    return;
  }
  const std::int64_t cells = shape[2] * shape[3], outputs = shape[0] / pair.second.groups;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t out = i / (shape[1] * cells);
    use(i, out / outputs * shape[1] + i / cells % shape[1]);
  }
}

struct Ranges {
  std::vector<double> first, second;  // max|w| of each channel
};

Ranges ranges_of(const LayerPair& pair) {
  const auto channels = static_cast<std::size_t>(pair.first.weight.shape()[0]);
  Ranges ranges{.first = std::vector<double>(channels, 0), .second = std::vector<double>(channels, 0)};
  const std::span<const Scalar> from = pair.first.weight.value().values(), to = pair.second.weight.value().values();
  const std::size_t row = from.size() / channels;
  for (std::size_t i = 0; i < from.size(); ++i) {
    ranges.first[i / row] = std::max(ranges.first[i / row], std::abs(static_cast<double>(from[i])));
  }
  if (pair.norm) {
    const core::Tensor factor = fold_factor(*pair.norm);
    for (std::size_t c = 0; c < channels; ++c) ranges.first[c] *= std::abs(static_cast<double>(factor.values()[c]));
  }
  each_input(pair, [&](std::int64_t i, std::int64_t c) {
    double& range = ranges.second[static_cast<std::size_t>(c)];
    range = std::max(range, std::abs(static_cast<double>(to[static_cast<std::size_t>(i)])));
  });
  return ranges;
}

double spread_of(const LayerPair& pair) {
  const Ranges ranges = ranges_of(pair);
  double spread = 1;
  for (std::size_t c = 0; c < ranges.first.size(); ++c) {
    const double a = ranges.first[c], b = ranges.second[c];
    if (a > 0 && b > 0) spread = std::max({spread, a / b, b / a});
  }
  return spread;
}

void divide_channels(const Variable& values, const std::vector<double>& s) {
  if (values.empty()) return;
  const std::span<Scalar> all = values.mutable_value().mutable_values();
  const std::size_t row = all.size() / s.size();
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Scalar>(static_cast<double>(all[i]) / s[i / row]);
}

// Returns the largest |log s|.
double equalize_once(const LayerPair& pair) {
  const Ranges ranges = ranges_of(pair);
  std::vector<double> s(ranges.first.size(), 1);
  double furthest = 0;
  for (std::size_t c = 0; c < s.size(); ++c) {
    const double a = ranges.first[c], b = ranges.second[c];
    const double wanted = std::sqrt(a / b);
    // A dead channel has nothing to balance, and no factor may leave float32's range.
    if (!(a > 0 && b > 0) || wanted < 1e-6 || wanted > 1e6) continue;
    s[c] = wanted;
    furthest = std::max(furthest, std::abs(std::log(wanted)));
  }
  divide_channels(pair.norm ? pair.norm->gain : pair.first.weight, s);
  divide_channels(pair.norm ? pair.norm->bias : pair.first.bias, s);
  const std::span<Scalar> to = pair.second.weight.mutable_value().mutable_values();
  each_input(pair, [&](std::int64_t i, std::int64_t c) {
    Scalar& w = to[static_cast<std::size_t>(i)];
    w = static_cast<Scalar>(static_cast<double>(w) * s[static_cast<std::size_t>(c)]);
  });
  return furthest;
}

}  // namespace

std::vector<EqualizedPair> equalize(nn::Model& model, std::int64_t rounds) {
  const Graph graph = nn::lower(model);
  const Readers readers(graph);
  std::vector<LayerPair> pairs;
  std::vector<EqualizedPair> report;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::optional<LayerPair> pair = pair_from(graph, readers, i);
    if (!pair) continue;
    pairs.push_back(*pair);
    report.push_back(
        {.first = pair->first_node->layer, .second = pair->second_node->layer, .spread_before = spread_of(*pair)});
  }
  for (std::int64_t round = 0; round < rounds; ++round) {
    double furthest = 0;
    for (const LayerPair& pair : pairs) furthest = std::max(furthest, equalize_once(pair));
    if (furthest < 1e-3) break;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) report[i].spread_after = spread_of(pairs[i]);
  return report;
}

}  // namespace tempera::quant
