#include "tempera/nn/layer.hpp"

#include <fmt/format.h>

#include <utility>

namespace tempera::nn {
namespace {

// Scopes nest by themselves, so that only the last part of the path is added.
std::string_view own_name(const LayerInfo& info) {
  const std::string_view path = info.path;
  return path.substr(path.rfind('/') + 1);
}

bool fits(const core::Shape& batch, const core::Shape& sample) {
  if (batch.rank() != sample.rank() + 1) return false;
  for (int axis = 0; axis < sample.rank(); ++axis) {
    if (batch[axis + 1] != sample[axis]) return false;
  }
  return true;
}

std::string expected(const core::Shape& sample) {
  std::string text = "[batch";
  for (const std::int64_t extent : sample.extents()) text += fmt::format(", {}", extent);
  return text + "]";
}

// Errors of the operations inside say which layer they belong to.
template <class Run>
Variable within(const LayerInfo& info, const Variable& x, Run run) {
  if (!fits(x.shape(), info.input)) {
    throw LayerShapeError(info, fmt::format("expects {}, received {}", expected(info.input), x.shape().text()));
  }
  const core::ScopeName scope(own_name(info));
  try {
    return run();
  } catch (const LayerShapeError&) {
    throw;
  } catch (const core::ShapeError& error) {
    throw LayerShapeError(info, error.what());
  }
}

}  // namespace

std::string LayerInfo::label() const { return fmt::format("{} \"{}\"", type, path); }

LayerShapeError::LayerShapeError(const LayerInfo& layer, const std::string& message)
    : ShapeError(fmt::format("{}: {}", layer.label(), message)), path_(layer.path) {}

Variable Layer::operator()(const Variable& x, ForwardContext& context) {
  return at_output_site(before_output_site(x, context), context);
}

Variable Layer::before_output_site(const Variable& x, ForwardContext& context) {
  return within(info_, x, [&] { return forward(input_site()(x, context), context); });
}

Variable Layer::at_output_site(const Variable& y, ForwardContext& context) const {
  const Site& site = output_site();
  if (!site.acts(context)) return y;
  const core::ScopeName scope(own_name(info_));
  return site(y, context);
}

Variable Layer::pooled_at_output_site(const Variable& y, ForwardContext& context) const {
  const core::ScopeName scope(own_name(info_));
  return output_site().transform->pooled_pairs(y, context);
}

Variable Layer::forward_fused(const Variable& /*x*/, const Tail& /*tail*/, ForwardContext& /*context*/) {
  throw core::Error(fmt::format("{}: is asked to fuse what it does not", info_.label()));
}

Variable Layer::fused(const Variable& x, const Tail& tail, ForwardContext& context) {
  return within(info_, x, [&] { return forward_fused(input_site()(x, context), tail, context); });
}

const Site& Layer::site_of(const Variable& weight) const {
  for (const Site& site : info_.sites) {
    if (site.kind == SiteKind::kWeight && site.parameter.node() == weight.node()) return site;
  }
  throw core::Error(fmt::format("{}: asks for the site of what is no weight of its own", info_.label()));
}

Variable Layer::used(const Variable& weight, ForwardContext& context) const {
  return context.transform ? site_of(weight)(weight, context) : weight;
}

bool all_non_negative(std::span<const std::unique_ptr<Layer>> layers, bool input) {
  for (const auto& layer : layers) input = layer->non_negative(input);
  return input;
}

namespace {

struct Following {
  Tail tail;
  std::size_t layers = 0;
};

// What of the layers behind layers[i] goes into its pass.
Following fused_behind(std::span<const std::unique_ptr<Layer>> layers, std::size_t i, const ForwardContext& context) {
  Following all;
  // Whether nothing happens between layers[j] and the one behind it.
  const auto joined = [&](std::size_t j) {
    return j + 1 < layers.size() && !layers[j]->output_site().acts(context) &&
           !layers[j + 1]->input_site().acts(context);
  };
  if (!context.fuse || !joined(i)) return all;
  const Tail activated{.activation = layers[i + 1]->activation()};
  if (activated.activation == Activation::kNone || !layers[i]->fuses(activated)) return all;
  all = {activated, 1};
  const Tail pooled{.activation = activated.activation, .pool_pairs = true};
  if (joined(i + 1) && layers[i + 2]->pools_pairs() && layers[i]->fuses(pooled)) all = {pooled, 2};
  return all;
}

// Whether the layer behind layers[i] can pool in the pass of what is done to its output.
bool pools_at_site(std::span<const std::unique_ptr<Layer>> layers, std::size_t i, const ForwardContext& context) {
  return context.fuse && layers[i]->output_site().acts(context) && i + 1 < layers.size() &&
         layers[i + 1]->pools_pairs() && !layers[i + 1]->input_site().acts(context);
}

}  // namespace

Variable forward_all(std::span<const std::unique_ptr<Layer>> layers, Variable x, ForwardContext& context) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Following behind = fused_behind(layers, i, context);
    x = behind.layers == 0 ? layers[i]->before_output_site(x, context) : layers[i]->fused(x, behind.tail, context);
    i += behind.layers;
    if (pools_at_site(layers, i, context)) {
      x = layers[i]->pooled_at_output_site(x, context);
      ++i;
    }
    x = layers[i]->at_output_site(x, context);
  }
  return x;
}

}  // namespace tempera::nn
