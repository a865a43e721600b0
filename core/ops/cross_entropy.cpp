#include <algorithm>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

constexpr const char* kCrossEntropy = "cross_entropy";

void check(const Shape& shape, std::span<const std::int32_t> labels, double smoothing) {
  require(shape.rank() == 2 && shape[0] > 0 && shape[1] > 0, kCrossEntropy,
          "logits must be [batch, classes] and not empty, received {}", shape);
  require(static_cast<std::int64_t>(labels.size()) == shape[0], kCrossEntropy,
          "needs a label a row, received {} labels for {}", labels.size(), shape);
  for (const std::int32_t label : labels) {
    require(label >= 0 && label < shape[1], kCrossEntropy, "labels must be in [0, {}), received {}", shape[1], label);
  }
  require_parameter(smoothing >= 0 && smoothing < 1, kCrossEntropy, "label smoothing must be in [0, 1), received {}",
                    smoothing);
}

}  // namespace

Variable cross_entropy(const Variable& logits, std::span<const std::int32_t> labels, double label_smoothing) {
  check(logits.shape(), labels, label_smoothing);
  const std::int64_t rows = logits.shape()[0], columns = logits.shape()[1];
  Tensor losses({rows});
  Tensor gradient(logits.shape());
  const Scalar* x = logits.value().data();
  Scalar* loss = losses.mutable_data();
  Scalar* grad = gradient.mutable_data();
  const auto smoothing = static_cast<Scalar>(label_smoothing);
  const Scalar scale = Scalar{1} / static_cast<Scalar>(rows);
  const std::int64_t grain = std::max<std::int64_t>(1, kHeavyGrain / columns);
  parallel_for(rows, grain, [=, f = kernels().cross_entropy](std::int64_t begin, std::int64_t end) {
    const std::int64_t at = begin * columns;
    f(end - begin, columns, x + at, labels.data() + begin, smoothing, scale, loss + begin, grad + at);
  });
  const Scalar mean = kernels().sum(rows, losses.data()) / static_cast<Scalar>(rows);
  return record(kCrossEntropy, Tensor::scalar(mean), {logits},
                [gradient = std::move(gradient)](const Tensor& dy, const Needs&) {
                  if (dy.item() == Scalar{1}) return Gradients{gradient};
                  Tensor dx(gradient.shape());
                  kernels().mul_scalar(dx.numel(), gradient.data(), dy.item(), dx.mutable_data());
                  return Gradients{std::move(dx)};
                });
}

}  // namespace tempera::core
