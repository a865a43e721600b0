#include "tempera/core/gemm.hpp"
#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/profile.hpp"
#include "tempera/core/row_gradient.hpp"
#include "tempera/core/scaled_bytes.hpp"

namespace tempera::core {
namespace {

void check(const Variable& x, const Variable& weight, const Variable& bias) {
  require(weight.shape().rank() == 2, "linear", "the weight must have two axes [out, in], received {}", weight.shape());
  require(x.shape().rank() == 2, "linear",
          "the input must have two axes [batch, {}], received {} (is \"flatten\" missing?)", weight.shape()[1],
          x.shape());
  require(x.shape()[1] == weight.shape()[1], "linear", "input has {} columns, weight expects {}, received {} and {}",
          x.shape()[1], weight.shape()[1], x.shape(), weight.shape());
  require(bias.empty() || bias.shape() == Shape{weight.shape()[0]}, "linear", "the bias must be [{}], received {}",
          weight.shape()[0], bias.empty() ? Shape{} : bias.shape());
}

// The weight as bytes or as floats is B.
void take_weight(LazyTensor& weight, Gemm& product) {
  product.b_bytes = packs_b(product) ? dynamic_cast<const ScaledBytes*>(weight.deferred()) : nullptr;
  product.b = product.b_bytes == nullptr ? weight.made().data() : nullptr;
}

Tensor by_input(const Tensor& dy, LazyTensor weight, Precision precision) {
  Tensor dx({dy.dim(0), weight.shape()[1]});
  count_multiply_adds(dx.numel(), dy.dim(1));
  Gemm product{.m = dx.dim(0),
               .n = dx.dim(1),
               .k = dy.dim(1),
               .a = dy.data(),
               .lda = dy.dim(1),
               .ldb = dx.dim(1),
               .c = dx.mutable_data(),
               .ldc = dx.dim(1),
               .precision = precision};
  take_weight(weight, product);
  gemm(product);
  return dx;
}

Gradient by_weight(const Tensor& dy, const Tensor& x, Precision precision) {
  auto dw = std::make_shared<RowGradient>(dy, x, precision);
  return dw->pays() ? Gradient(std::move(dw)) : Gradient(dw->make());
}

}  // namespace

const PackedB* KeptPanels::of(const Tensor& weight, const Gemm& args) {
  if (!panels_ || !weight_.shares_storage(weight)) {
    panels_.emplace(args);
    weight_ = weight;
  }
  return &*panels_;
}

void KeptPanels::forget() noexcept {
  weight_ = {};
  panels_.reset();
}

Variable linear(const Variable& x, const Variable& weight, const Variable& bias, bool with_relu, KeptPanels* kept) {
  check(x, weight, bias);
  const Precision precision = core::precision();
  Tensor y({x.shape()[0], weight.shape()[0]});
  count_multiply_adds(y.numel(), x.shape()[1]);
  Gemm product{.m = y.dim(0),
               .n = y.dim(1),
               .k = x.shape()[1],
               .a = x.value().data(),
               .lda = x.shape()[1],
               .ldb = weight.shape()[1],
               .transpose_b = true,
               .c = y.mutable_data(),
               .ldc = y.dim(1),
               .column_bias = bias.empty() ? nullptr : bias.value().data(),
               .relu = with_relu,
               .precision = precision};
  LazyTensor& w = weight.lazy_value();
  take_weight(w, product);
  if (kept != nullptr && product.b != nullptr && packs_b(product)) {
    product.packed_b = kept->of(weight.value(), product);
  }
  gemm(product);
  Tensor result = with_relu ? y : Tensor();
  return record("linear", std::move(y), {x, weight, bias},
                [x = x.value(), w, result = std::move(result), precision](const Tensor& grad, const Needs& needs) {
                  const Tensor dy = result.empty() ? grad : map(grad, result, kernels().relu_grad, kLightGrain);
                  Gradients gradients(3);
                  if (needs[0]) gradients[0] = by_input(dy, w, precision);
                  if (needs[1]) gradients[1] = by_weight(dy, x, precision);
                  if (needs[2]) gradients[2] = sum_to(dy, {w.shape()[0]});
                  return gradients;
                });
}

}  // namespace tempera::core
