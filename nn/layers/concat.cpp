#include "tempera/nn/layers/concat.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tempera/core/ops/layout.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/layers/conv2d.hpp"
#include "tempera/nn/layers/linear.hpp"
#include "tempera/nn/layers/relu.hpp"

namespace tempera::nn {

void Concat::Config::fields(core::FieldVisitor& v, const core::TypeCatalog& layer_types) {
  v.list(
      "branches", branches.size(), [this](std::size_t n) { branches.resize(n); },
      [this, &layer_types](std::size_t i) -> core::FieldsFn {
        return [this, &layer_types, i](core::FieldVisitor& inner) {
          inner.typed_list("layers", layer_types, branches[i].items(),
                           {.help = "the layers of the branch, in order; none: the input itself"});
        };
      },
      {.help = "what is joined along the channels, in order", .required = true, .min_items = 1});
}

Concat::Concat(const Config& config, LayerBuilder& b) {
  if (config.branches.empty()) throw core::ConfigError(fmt::format("concat \"{}\": has no branches", b.path()));
  if (b.input().rank() == 0) b.fail("expects at least one axis of channels, received a single number");
  std::vector<std::int64_t> joined;
  std::size_t layers = 0;
  for (std::size_t i = 0; i < config.branches.size(); ++i) {
    const core::Shape shape = b.children(config.branches[i], b.input(), fmt::format("/branches/{}/layers", i));
    if (shape.rank() == 0) b.fail(fmt::format("branch {} gives a single number, which has no channels to join", i + 1));
    const auto rest = shape.extents().subspan(1);
    if (i == 0) {
      joined.assign(shape.extents().begin(), shape.extents().end());
    } else if (!std::ranges::equal(rest, std::span(joined).subspan(1))) {
      b.fail(fmt::format("branch {} gives {}, which cannot be joined along the channels to the {} before it", i + 1,
                         shape.text(), core::Shape(std::span<const std::int64_t>(joined)).text()));
    } else {
      joined[0] += shape[0];
    }
    ends_.push_back(layers += config.branches[i].items().size());
  }
  b.output(core::Shape(std::span<const std::int64_t>(joined)));
}

std::span<const std::unique_ptr<Layer>> Concat::branch(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return children().subspan(begin, ends_[index] - begin);
}

Variable Concat::forward(const Variable& x, ForwardContext& context) {
  core::CachedVector<Variable> parts;
  parts.reserve(ends_.size());
  for (std::size_t i = 0; i < ends_.size(); ++i) parts.push_back(forward_all(branch(i), x, context));
  return core::concat(parts, 1);
}

GraphValue Concat::lower(GraphBuilder& graph, GraphValue x) const {
  std::vector<GraphValue> parts;
  for (std::size_t i = 0; i < ends_.size(); ++i) parts.push_back(lower_all(branch(i), graph, x));
  return graph.add(graph::Concat{}, std::move(parts), info().output);
}

std::vector<LayerExample<Concat::Config>> Concat::examples(const LayerRegistry& registry) {
  Config rows;
  rows.branches.resize(2);
  rows.branches[0].add(registry.configure<Linear>({.out = 3}));
  rows.branches[0].add(registry.configure<Relu>());
  rows.branches[1].add(registry.configure<Linear>({.out = 2, .bias = false}, "plain"));
  Config images;
  images.branches.resize(2);
  images.branches[1].add(registry.configure<Conv2d>({.out = 3, .kernel = 3, .padding = 1}));
  return {{.config = rows, .input = {4}}, {.config = images, .input = {2, 4, 3}}};
}

void add_concat(LayerRegistry& registry) {
  registry.add<Concat>("concat", "branches of layers on the same input, joined along the channels");
}

}  // namespace tempera::nn
