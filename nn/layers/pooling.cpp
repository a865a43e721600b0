#include "tempera/nn/layers/pooling.hpp"

#include <fmt/format.h>

#include "tempera/core/fields.hpp"
#include "tempera/nn/layers/window.hpp"

namespace tempera::nn {

void PoolingConfig::fields(core::FieldVisitor& v) {
  v.field("size", size, {.help = "height and width of the window", .unit = "pixels", .min = 1});
  v.field("stride", stride, {.help = "step between windows; not set: the size", .unit = "pixels", .min = 1});
  v.field("padding", padding, {.help = "cells beyond each border that windows may reach", .unit = "pixels", .min = 0});
  v.rule(2 * padding <= size, "padding", "must not exceed half of \"size\"");
}

core::Pool2dOptions pooling(const PoolingConfig& config, LayerBuilder& b) {
  const std::int64_t stride = config.stride.value_or(config.size);
  b.output(windowed(b, {.kernel = config.size, .stride = stride, .padding = config.padding, .dilation = 1}));
  // A window beyond half its size from the border would see nothing but padding.
  if (2 * config.padding > config.size) {
    b.fail(fmt::format("\"padding\" must not exceed half of \"size\" {}, received {}", config.size, config.padding));
  }
  return {.size = {config.size, config.size}, .stride = {stride, stride}, .padding = {config.padding, config.padding}};
}

}  // namespace tempera::nn
