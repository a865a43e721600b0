#include "tempera/nn/layers/conv2d.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "tempera/nn/graph.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/layers/kept.hpp"
#include "tempera/nn/layers/window.hpp"

namespace tempera::nn {
namespace {

constexpr std::array<std::string_view, 4> kAlgorithms{"auto", "direct", "winograd_2x2", "winograd_4x4"};

}  // namespace

void Conv2d::Config::fields(core::FieldVisitor& v, const core::TypeCatalog& layers) {
  v.field("out", out, {.help = "number of output channels", .min = 1, .required = true});
  v.field("kernel", kernel, {.help = "height and width of the filter", .unit = "pixels", .min = 1, .required = true});
  v.field("stride", stride, {.help = "step between neighbouring outputs", .unit = "pixels", .min = 1});
  v.field("padding", padding, {.help = "zeros added on each side", .unit = "pixels", .min = 0});
  v.field("dilation", dilation, {.help = "distance of neighbouring filter taps", .unit = "pixels", .min = 1});
  v.field(
      "groups", groups,
      {.help =
           "parts that the channels are divided into, each convolved by itself; as many as input channels: depthwise",
       .min = 1});
  v.field("bias", bias, {.help = "whether a learned number is added to each output channel"});
  v.choice("algorithm", algorithm, kAlgorithms,
           {.help = "how products are found: Winograd's algorithms multiply less and round more (3x3, stride 1); "
                    "auto takes them where the error stays within its bound and the work is less"});
  v.typed("init", initializers_of(layers), init.pointer(),
          {.help = "what the weights start from; not set: uniform within ±1/√fan_in"});
  v.typed("bias_init", initializers_of(layers), bias_init.pointer(),
          {.help = "what the biases start from; not set: uniform within ±1/√fan_in"});
}

Conv2d::Conv2d(const Config& config, LayerBuilder& b) {
  const Window window{
      .kernel = config.kernel, .stride = config.stride, .padding = config.padding, .dilation = config.dilation};
  const core::Shape map = windowed(b, window);
  const std::int64_t channels = b.input()[0];
  if (config.out < 1) b.fail(fmt::format("\"out\" must be at least 1, received {}", config.out));
  if (config.groups < 1 || channels % config.groups != 0 || config.out % config.groups != 0) {
    b.fail(fmt::format("\"groups\" must divide the {} input and {} output channels, received {}", channels, config.out,
                       config.groups));
  }
  options_ = {.stride = {config.stride, config.stride},
              .padding = {config.padding, config.padding},
              .dilation = {config.dilation, config.dilation},
              .groups = config.groups,
              .algorithm = config.algorithm};
  const bool chosen =
      config.algorithm != core::ConvAlgorithm::kAuto && config.algorithm != core::ConvAlgorithm::kDirect;
  if (chosen && !options_.allows_winograd(config.kernel, config.kernel)) {
    b.fail(
        fmt::format("\"algorithm\": {} needs kernel 3, stride 1, dilation 1 and groups 1, received {}, {}, {} and {}",
                    kAlgorithms.at(static_cast<std::size_t>(config.algorithm)), config.kernel, config.stride,
                    config.dilation, config.groups));
  }
  const core::Shape weight({config.out, channels / config.groups, config.kernel, config.kernel});
  weight_ = b.parameter("weight", weight, *weight_initializer(config.init, weight), Role::kWeight);
  if (config.bias) {
    bias_ = b.parameter("bias", {config.out}, *weight_initializer(config.bias_init, weight), Role::kBias);
  }
  b.output({config.out, map[1], map[2]});
  b.multiply_adds({weight.numel(), map[1], map[2]});
}

Variable Conv2d::forward(const Variable& x, ForwardContext& context) {
  const Variable weight = used(weight_, context);
  return core::conv2d(x, weight, bias_, options_, kept_of(kept_, weight_, weight, context));
}

bool Conv2d::fuses(const Tail& tail) const noexcept {
  const bool has_pairs = info().output[1] >= 2 && info().output[2] >= 2;
  return tail.activation == Activation::kRelu && (has_pairs || !tail.pool_pairs);
}

Variable Conv2d::forward_fused(const Variable& x, const Tail& tail, ForwardContext& context) {
  core::Conv2dOptions fused = options_;
  fused.relu = true;
  fused.pool_pairs = tail.pool_pairs;
  const Variable weight = used(weight_, context);
  return core::conv2d(x, weight, bias_, fused, kept_of(kept_, weight_, weight, context));
}

GraphValue Conv2d::lower(GraphBuilder& graph, GraphValue x) const {
  return graph.add(graph::Conv2d{weight_, bias_, &site_of(weight_), options_}, {x}, info().output);
}

std::vector<LayerExample<Conv2d::Config>> Conv2d::examples() {
  return {{.config = {.out = 3, .kernel = 2}, .input = {2, 4, 3}},
          {.config = {.out = 2, .kernel = 3, .stride = 2, .padding = 1, .bias = false}, .input = {1, 5, 5}},
          {.config = {.out = 4, .kernel = 2, .dilation = 2, .groups = 2}, .input = {2, 4, 5}},
          {.config = {.out = 3, .kernel = 3, .padding = 1, .groups = 3}, .input = {3, 3, 4}},
          {.config = {.out = 2, .kernel = 3, .padding = 1, .algorithm = core::ConvAlgorithm::kWinograd4x4},
           .input = {2, 5, 6}}};
}

void add_conv2d(LayerRegistry& registry) {
  registry.add<Conv2d>("conv2d", "convolution of images, with stride, padding, dilation and groups");
}

}  // namespace tempera::nn
