#include "tempera/core/ops/activations.hpp"

#include "tempera/core/ops/map.hpp"

namespace tempera::core {

Variable relu(const Variable& x) {
  return record_map("relu", x, map(x.value(), kernels().relu, kLightGrain), Saved::kOutput,
                    [](const Tensor& dy, const Tensor& y) { return map(dy, y, kernels().relu_grad, kLightGrain); });
}

Variable leaky_relu(const Variable& x, double slope) {
  const auto s = static_cast<Scalar>(slope);
  return record_map(
      "leaky_relu", x, map_each(x.value(), kLightGrain, [s](Scalar v) { return v > Scalar{0} ? v : s * v; }),
      Saved::kInput, [s](const Tensor& dy, const Tensor& in) {
        return map_each(dy, in, kLightGrain, [s](Scalar g, Scalar v) { return v > Scalar{0} ? g : s * g; });
      });
}

Variable gelu(const Variable& x) {
  return record_map("gelu", x, map(x.value(), kernels().gelu, kHeavyGrain), Saved::kInput,
                    [](const Tensor& dy, const Tensor& in) { return map(dy, in, kernels().gelu_grad, kHeavyGrain); });
}

Variable sigmoid(const Variable& x) {
  return record_map("sigmoid", x, map(x.value(), kernels().sigmoid, kHeavyGrain), Saved::kOutput,
                    [](const Tensor& dy, const Tensor& y) { return map(dy, y, kernels().sigmoid_grad, kLightGrain); });
}

Variable tanh(const Variable& x) {
  return record_map("tanh", x, map(x.value(), kernels().tanh, kHeavyGrain), Saved::kOutput,
                    [](const Tensor& dy, const Tensor& y) { return map(dy, y, kernels().tanh_grad, kLightGrain); });
}

Variable softplus(const Variable& x) {
  return record_map("softplus", x, map(x.value(), kernels().softplus, kHeavyGrain), Saved::kInput,
                    [](const Tensor& dy, const Tensor& in) {  // d softplus = sigmoid
                      const Tensor slope = map(in, kernels().sigmoid, kHeavyGrain);
                      return map(dy, slope, kernels().mul, kLightGrain);
                    });
}

}  // namespace tempera::core
