#include "tempera/core/ops/conv2d.hpp"

#include <algorithm>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/conv2d_plan.hpp"
#include "tempera/core/ops/conv2d_winograd.hpp"
#include "tempera/core/precision.hpp"
#include "tempera/core/profile.hpp"

namespace tempera::core {
namespace {

constexpr const char* kConv2d = "conv2d";

std::int64_t outputs_along(std::size_t axis, const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  const int extent_axis = static_cast<int>(axis) + 2;
  require_parameter(o.stride[axis] >= 1 && o.dilation[axis] >= 1 && o.padding[axis] >= 0, kConv2d,
                    "stride and dilation must be at least 1 and padding at least 0, received {}, {} and {}",
                    o.stride[axis], o.dilation[axis], o.padding[axis]);
  const std::int64_t padded = x[extent_axis] + 2 * o.padding[axis];
  const std::int64_t reach = o.dilation[axis] * (weight[extent_axis] - 1) + 1;
  require(weight[extent_axis] >= 1 && padded >= reach, kConv2d,
          "the padded input must not be smaller than the kernel, received {} against {} on axis {} of {}", padded,
          reach, extent_axis, x);
  return (padded - reach) / o.stride[axis] + 1;
}

ConvPlan plan_of(const Shape& x, const Shape& weight, const Shape& y, const Conv2dOptions& o) {
  ConvPlan plan{.images = x[0], .groups = o.groups, .outputs = weight[0] / o.groups};
  plan.windows = {.channels = weight[1],
                  .height = x[2],
                  .width = x[3],
                  .kernel_h = weight[2],
                  .kernel_w = weight[3],
                  .stride_h = o.stride[0],
                  .stride_w = o.stride[1],
                  .padding_h = o.padding[0],
                  .padding_w = o.padding[1],
                  .dilation_h = o.dilation[0],
                  .dilation_w = o.dilation[1],
                  .out_height = y[2],
                  .out_width = y[3]};
  return plan;
}

// Of the output before its rectifier.
Tensor before_relu(const Tensor& grad, const Tensor& y) {
  return y.empty() ? grad : map(grad, y, kernels().relu_grad, kLightGrain);
}

Tensor by_bias(const Tensor& dy) { return sum_to(dy, {1, dy.dim(1), 1, 1}).reshaped({dy.dim(1)}); }

Gradients depthwise_gradients(const ConvPlan& plan, const Tensor& grad, const Tensor& y, const Tensor& x,
                              const Tensor& w, const Needs& needs) {
  const Tensor dy = before_relu(grad, y);
  Gradients gradients(3);
  if (needs[0]) gradients[0] = depthwise_by_input(plan, dy, w, x.shape());
  if (needs[1]) gradients[1] = depthwise_by_weight(plan, dy, x, w.shape());
  if (needs[2]) gradients[2] = by_bias(dy);
  return gradients;
}

Tensor forward_product(const ConvPlan& plan, ConvAlgorithm algorithm, const Tensor& x, const Tensor& w,
                       const Scalar* bias, bool relu, const Shape& result, KeptFilters* kept) {
  if (plan.depthwise()) return depthwise_forward(plan, x, w, bias, relu, result);
  const std::int64_t m = winograd_outputs(plan, algorithm, ConvPass::kForward);
  if (m == 1) return conv_forward(plan, x, w, bias, relu, result);
  return winograd_forward(plan, m, x, w, kept == nullptr ? nullptr : &kept->of(w, m), bias, relu, result);
}

// The same and then max_pool2d by pairs.
PairPool pooled_product(const ConvPlan& plan, ConvAlgorithm algorithm, const Tensor& x, const Tensor& w,
                        const Scalar* bias, bool relu, const Shape& result, KeptFilters* kept) {
  const bool direct = !plan.depthwise() && winograd_outputs(plan, algorithm, ConvPass::kForward) <= 1;
  return direct ? conv_pool_forward(plan, x, w, bias, relu, result)
                : pool_pairs(forward_product(plan, algorithm, x, w, bias, relu, result, kept));
}

// What is left over from Winograd's algorithms takes the direct one.
void run_product_gradients(const ConvPlan& plan, ConvAlgorithm algorithm, ConvGradients wanted) {
  const std::int64_t m = winograd_outputs(plan, algorithm, ConvPass::kByInput);
  if (wanted.dx != nullptr && m > 1) {
    winograd_by_input(plan, m, wanted);
    wanted.dx = nullptr;
  }
  if (wanted.dw != nullptr && winograd_outputs(plan, algorithm, ConvPass::kByWeight) > 1) {
    winograd_by_weight(plan, wanted);
    wanted.dw = wanted.dbias = nullptr;
  }
  if (wanted.dx != nullptr || wanted.dw != nullptr || wanted.dbias != nullptr) conv_backward(plan, wanted);
}

// `pass` is given what is wanted, and where to put it.
template <class Pass>
Gradients gradients_by(const Pass& pass, const Tensor& dy, const Tensor& y, const Scalar* chosen, const Tensor& x,
                       const Tensor& w, const Needs& needs) {
  Gradients gradients(3);
  const auto wanted = [&](std::size_t input, const Shape& shape) -> Scalar* {
    if (!needs[input]) return nullptr;
    gradients[input] = Tensor(shape);
    return gradients[input].made().mutable_data();
  };
  pass(ConvGradients{.dy = dy.data(),
                     .y = y.data(),
                     .chosen = chosen,
                     .x = x.data(),
                     .w = w.data(),
                     .dx = wanted(0, x.shape()),
                     .dw = wanted(1, w.shape()),
                     .dbias = wanted(2, {dy.dim(1)})});
  return gradients;
}

Gradients float_gradients(const ConvPlan& plan, ConvAlgorithm algorithm, const Tensor& dy, const Tensor& y,
                          const Scalar* chosen, const Tensor& x, const Tensor& w, const Needs& needs) {
  if (plan.depthwise()) return depthwise_gradients(plan, dy, y, x, w, needs);
  return gradients_by([&](const ConvGradients& wanted) { run_product_gradients(plan, algorithm, wanted); }, dy, y,
                      chosen, x, w, needs);
}

// Whether the processor multiplies bfloat16 for this convolution: its operands are then rounded where they are packed.
bool multiplied_natively(const ConvPlan& plan) { return !plan.depthwise() && !bf16_instructions().empty(); }

// The rounded gradient is for the two products, the one as it is for the bias. x and w are what the forward pass took.
// Products of bfloat16 are exact in the direct algorithm alone.
Gradients bf16_gradients(const ConvPlan& plan, const Tensor& grad, const Tensor& y, const Tensor& x, const Tensor& w,
                         const Needs& needs) {
  const Tensor dy = before_relu(grad, y);
  Gradients gradients =
      multiplied_natively(plan)
          ? gradients_by([&](const ConvGradients& wanted) { bf16_conv_backward(plan, wanted); }, dy, {}, nullptr, x, w,
                         needs)
          : float_gradients(plan, ConvAlgorithm::kDirect, as_operand(dy, Precision::kBf16), {}, nullptr, x, w, needs);
  if (needs[2]) gradients[2] = by_bias(dy);
  return gradients;
}

// What the gradients of a convolution are made from.
struct ConvBackward {
  ConvPlan plan;
  std::int64_t terms;
  bool bf16;
  ConvAlgorithm algorithm;
  Shape shape;     // of what was convolved, before any pooling
  Storage chosen;  // if its own pooling follows
  Tensor x, w;     // as the products took them
  Tensor y;        // the result, if a rectifier made it

  Gradients operator()(Gradient& grad, const Needs& needs) const {
    count_multiply_adds(shape.numel(), (needs[0] ? terms : 0) + (needs[1] ? terms : 0));
    if (chosen.data() != nullptr) return of_pooled(before_relu(grad, y), chosen, needs);
    const auto* pairs = dynamic_cast<const PairGradient*>(grad.deferred());
    const Tensor* taken = pairs == nullptr ? nullptr : pairs->taken_of(y);
    if (pairs == nullptr || (taken == nullptr && !y.empty())) return of_all(grad, y, needs);
    return of_pooled(taken == nullptr ? pairs->dy() : before_relu(pairs->dy(), *taken), pairs->chosen(), needs);
  }

  // Of a window whose pixel is not above 0, nothing has a gradient: the rectifier's mask is a pooled one, too.
  [[nodiscard]] Gradients of_pooled(const Tensor& dy, const Storage& pixels, const Needs& needs) const {
    if (bf16 || plan.depthwise()) return of_all(spread_pairs(dy, pixels, shape), {}, needs);
    return float_gradients(plan, algorithm, dy, {}, data_of(pixels), x, w, needs);
  }

  [[nodiscard]] Gradients of_all(const Tensor& dy, const Tensor& result, const Needs& needs) const {
    return bf16 ? bf16_gradients(plan, dy, result, x, w, needs)
                : float_gradients(plan, algorithm, dy, result, nullptr, x, w, needs);
  }
};

}  // namespace

Storage& KeptFilters::of(const Tensor& weight, std::int64_t m) {
  if (m_ != m || !weight_.shares_storage(weight)) {
    filters_ = {};
    weight_ = weight;
    m_ = m;
  }
  return filters_;
}

void KeptFilters::forget() noexcept {
  weight_ = {};
  filters_ = {};
}

Shape conv2d_shape(const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  require(x.rank() == 4, kConv2d, "the input must be [batch, channels, height, width], received {}", x);
  require(weight.rank() == 4, kConv2d, "the weight must be [out, in/groups, height, width], received {}", weight);
  require(weight[0] >= 1 && weight[1] >= 1, kConv2d, "the weight must have at least 1 channel either way, received {}",
          weight);
  require_parameter(o.groups >= 1, kConv2d, "needs at least 1 group, received {}", o.groups);
  require(weight[1] * o.groups == x[1], kConv2d, "input has {} channels, weight expects {}·{}, received {} and {}",
          x[1], o.groups, weight[1], x, weight);
  require(weight[0] % o.groups == 0, kConv2d, "output channels must be a multiple of the groups, received {} and {}",
          weight[0], o.groups);
  return {x[0], weight[0], outputs_along(0, x, weight, o), outputs_along(1, x, weight, o)};
}

Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias, const Conv2dOptions& options,
                KeptFilters* kept) {
  const Shape shape = conv2d_shape(x.shape(), weight.shape(), options);
  require(bias.empty() || bias.shape() == Shape{shape[1]}, kConv2d, "the bias must be [{}], received {}", shape[1],
          bias.empty() ? Shape{} : bias.shape());
  const bool winograd =
      options.algorithm == ConvAlgorithm::kWinograd2x2 || options.algorithm == ConvAlgorithm::kWinograd4x4;
  require_parameter(!winograd || options.allows_winograd(weight.shape()[2], weight.shape()[3]), kConv2d,
                    "Winograd's algorithms need 3x3 weights, stride and dilation 1 and one group, received {}",
                    weight.shape());
  const ConvPlan plan = plan_of(x.shape(), weight.shape(), shape, options);
  const Scalar* offsets = bias.empty() ? nullptr : bias.value().data();
  // The gradients by the input and by the weight have as many terms as the output.
  const std::int64_t terms = weight.value().numel() / std::max<std::int64_t>(1, weight.shape()[0]);
  count_multiply_adds(shape.numel(), terms);
  const bool bf16 = precision() == Precision::kBf16;
  const bool native = bf16 && multiplied_natively(plan);
  const Precision rounding = bf16 && !native ? Precision::kBf16 : Precision::kFloat32;
  const ConvAlgorithm algorithm = bf16 ? ConvAlgorithm::kDirect : options.algorithm;
  Tensor operand = as_operand(x.value(), rounding), weights = as_operand(weight.value(), rounding);
  Tensor y;
  Storage chosen;
  if (options.pool_pairs) {
    PairPool pool = native ? pool_pairs(bf16_conv_forward(plan, operand, weights, offsets, options.relu, shape))
                           : pooled_product(plan, algorithm, operand, weights, offsets, options.relu, shape, kept);
    y = std::move(pool.y);
    chosen = std::move(pool.chosen);
  } else {
    y = native ? bf16_conv_forward(plan, operand, weights, offsets, options.relu, shape)
               : forward_product(plan, algorithm, operand, weights, offsets, options.relu, shape, kept);
  }
  ConvBackward backward{.plan = plan,
                        .terms = terms,
                        .bf16 = bf16,
                        .algorithm = algorithm,
                        .shape = shape,
                        .chosen = std::move(chosen),
                        .x = std::move(operand),
                        .w = std::move(weights),
                        .y = options.relu ? y : Tensor()};
  return record_deferring(kConv2d, std::move(y), {x, weight, bias}, std::move(backward));
}

}  // namespace tempera::core
