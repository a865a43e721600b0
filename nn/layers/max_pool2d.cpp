#include "tempera/nn/layers/max_pool2d.hpp"

#include <fmt/format.h>

#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/layers/window.hpp"

namespace tempera::nn {

void MaxPool2d::Config::fields(core::FieldVisitor& v) {
  v.field("size", size, {.help = "height and width of the window", .unit = "pixels", .min = 1});
  v.field("stride", stride, {.help = "step between windows; not set: the size", .unit = "pixels", .min = 1});
  v.field("padding", padding, {.help = "cells beyond each border that windows may reach", .unit = "pixels", .min = 0});
  v.rule(2 * padding <= size, "padding", "must not exceed half of \"size\"");
}

MaxPool2d::MaxPool2d(const Config& config, LayerBuilder& b) {
  const std::int64_t stride = config.stride.value_or(config.size);
  const core::Shape map =
      windowed(b, {.kernel = config.size, .stride = stride, .padding = config.padding, .dilation = 1});
  // A window beyond half its size from the border would see nothing but padding.
  if (2 * config.padding > config.size) {
    b.fail(fmt::format("\"padding\" must not exceed half of \"size\" {}, received {}", config.size, config.padding));
  }
  b.output(map);
  options_ = {
      .size = {config.size, config.size}, .stride = {stride, stride}, .padding = {config.padding, config.padding}};
}

Variable MaxPool2d::forward(const Variable& x, ForwardContext& /*context*/) { return core::max_pool2d(x, options_); }

std::vector<LayerExample<MaxPool2d::Config>> MaxPool2d::examples() {
  return {{.config = {}, .input = {2, 4, 6}}, {.config = {.size = 3, .stride = 2, .padding = 1}, .input = {1, 5, 4}}};
}

void add_max_pool2d(LayerRegistry& registry) {
  registry.add<MaxPool2d>("max_pool2d", "largest number in each window of an image");
}

}  // namespace tempera::nn
