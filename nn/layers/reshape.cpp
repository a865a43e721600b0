#include "tempera/nn/layers/reshape.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tempera/core/ops/layout.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"

namespace tempera::nn {

namespace {

// The extent that −1 stands for: what the others leave of `numel`; 0 if they do not divide it.
std::int64_t remaining(const std::vector<std::int64_t>& shape, std::int64_t numel) {
  for (const std::int64_t extent : shape) {
    if (extent == -1) continue;
    if (extent < 1 || numel % extent != 0) return 0;
    numel /= extent;
  }
  return numel;
}

}  // namespace

void Reshape::Config::fields(core::FieldVisitor& v) {
  v.field("shape", shape, {.help = "extents of a sample; one -1 stands for what is left", .min = -1, .required = true});
  v.rule(std::ranges::count(shape, -1) <= 1, "shape", "may contain -1 only once");
}

Reshape::Reshape(const Config& config, LayerBuilder& b) {
  std::vector<std::int64_t> shape = config.shape;
  const auto open = std::ranges::find(shape, -1);
  const std::int64_t left = remaining(shape, b.input().numel());
  if (open != shape.end()) *open = left;
  const bool fits = left > 0 && std::ranges::count(shape, -1) == 0 && (open != shape.end() || left == 1);
  if (!fits) {
    b.fail(fmt::format("cannot give the {} numbers of {} the shape [{}]", b.input().numel(), b.input().text(),
                       fmt::join(config.shape, ", ")));
  }
  b.output(core::Shape(std::span<const std::int64_t>(shape)));
}

Variable Reshape::forward(const Variable& x, ForwardContext& /*context*/) {
  return core::reshape(x, info().output.with_batch(x.shape()[0]));
}

GraphValue Reshape::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Reshape{}, {x}, info().output);
}

std::vector<LayerExample<Reshape::Config>> Reshape::examples() {
  return {{.config = {.shape = {3, 4}}, .input = {12}}, {.config = {.shape = {2, -1}}, .input = {2, 3, 4}}};
}

void add_reshape(LayerRegistry& registry) { registry.add<Reshape>("reshape", "the same numbers under another shape"); }

}  // namespace tempera::nn
