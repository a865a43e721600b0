#include "tempera/nn/layers/clamp.hpp"

#include <fmt/format.h>

#include "tempera/core/ops/elementwise.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

void Clamp::Config::fields(core::FieldVisitor& v) {
  v.field("low", low, {.help = "what smaller numbers become"});
  v.field("high", high, {.help = "what larger numbers become"});
  v.rule(low < high, "high", "must exceed \"low\"");
}

Clamp::Clamp(const Config& config, LayerBuilder& b) : low_(config.low), high_(config.high) {
  if (!(low_ < high_)) b.fail(fmt::format("\"low\" must be below \"high\", received {} and {}", low_, high_));
}

Variable Clamp::forward(const Variable& x, ForwardContext& /*context*/) { return core::clamp(x, low_, high_); }

GraphValue Clamp::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Clamp{low_, high_}, {x}, info().output);
}

std::vector<LayerExample<Clamp::Config>> Clamp::examples() {
  return {{.config = {.low = -0.83, .high = 1.07}, .input = {7}}, {.config = {.low = 0.09}, .input = {2, 3, 3}}};
}

void add_clamp(LayerRegistry& registry) { registry.add<Clamp>("clamp", "min(max(x, low), high)"); }

}  // namespace tempera::nn
