#include "tempera/core/ops/softmax.hpp"

#include <algorithm>
#include <utility>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/parallel.hpp"

namespace tempera::core {
namespace {

struct Rows {
  std::int64_t rows, columns;
  [[nodiscard]] std::int64_t grain() const { return std::max<std::int64_t>(1, kHeavyGrain / columns); }
};

Rows rows_of(const char* op, const Shape& shape) {
  require(shape.rank() >= 1 && shape.dim(-1) > 0, op, "needs a last axis that is not empty, received {}", shape);
  return {shape.numel() / shape.dim(-1), shape.dim(-1)};
}

Tensor by_rows(const Tensor& x, const Rows& r, KernelTable::Rows f) {
  Tensor y(x.shape());
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  parallel_for(r.rows, r.grain(), [=](std::int64_t begin, std::int64_t end) {
    f(end - begin, r.columns, from + begin * r.columns, to + begin * r.columns);
  });
  return y;
}

Tensor softmax_gradient(const Tensor& dy, const Tensor& y, const Rows& r) {
  Tensor dx(y.shape());
  const Scalar* g = dy.data();
  const Scalar* p = y.data();
  Scalar* to = dx.mutable_data();
  parallel_for(r.rows, r.grain(), [=, f = kernels().softmax_grad](std::int64_t begin, std::int64_t end) {
    const std::int64_t at = begin * r.columns;
    f(end - begin, r.columns, g + at, p + at, to + at);
  });
  return dx;
}

// dx = dy − exp(y)·Σ dy
Tensor log_softmax_gradient(const Tensor& dy, const Tensor& y, const Rows& r) {
  Tensor dx = map(y, kernels().exp, kHeavyGrain);
  const Scalar* g = dy.data();
  Scalar* to = dx.mutable_data();
  parallel_for(r.rows, r.grain(), [=, sum = kernels().sum](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const Scalar* grad = g + row * r.columns;
      Scalar* out = to + row * r.columns;
      const Scalar total = sum(r.columns, grad);
      for (std::int64_t c = 0; c < r.columns; ++c) out[c] = grad[c] - out[c] * total;
    }
  });
  return dx;
}

// x less the largest of its row. What it is handed to does not depend on that shift, so its derivative is left out.
Variable below_largest(const char* op, const Variable& x) {
  const Rows r = rows_of(op, x.shape());
  Tensor y(x.shape());
  const Scalar* from = x.value().data();
  Scalar* to = y.mutable_data();
  parallel_for(r.rows, r.grain(), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * r.columns; at < end * r.columns; at += r.columns) {
      const Scalar largest = *std::max_element(from + at, from + at + r.columns);
      for (std::int64_t c = at; c < at + r.columns; ++c) to[c] = from[c] - largest;
    }
  });
  return record_straight_through(op, std::move(y), x);
}

// (x − max)/T instead of x/T, which is infinite for a large x over a small T.
Variable heated(const char* op, const Variable& x, double temperature) {
  require_positive(temperature, op, "the temperature");
  return temperature == 1.0 ? x : div(below_largest(op, x), temperature);
}

}  // namespace

Variable softmax(const Variable& x) {
  const Rows r = rows_of("softmax", x.shape());
  Tensor y = by_rows(x.value(), r, kernels().softmax);
  return record("softmax", y, {x},
                [y, r](const Tensor& dy, const Needs&) { return Gradients{softmax_gradient(dy, y, r)}; });
}

Variable log_softmax(const Variable& x) {
  const Rows r = rows_of("log_softmax", x.shape());
  Tensor y = by_rows(x.value(), r, kernels().log_softmax);
  return record("log_softmax", y, {x},
                [y, r](const Tensor& dy, const Needs&) { return Gradients{log_softmax_gradient(dy, y, r)}; });
}

Variable softmax(const Variable& x, double temperature) { return softmax(heated("softmax", x, temperature)); }
Variable log_softmax(const Variable& x, double temperature) {
  return log_softmax(heated("log_softmax", x, temperature));
}

}  // namespace tempera::core
