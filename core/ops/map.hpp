// How an elementwise function of one operand becomes an operation.
#pragma once

#include <utility>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {

/// What a derivative is written in: the operand x or the result y.
enum class Saved { kInput, kOutput };

/// y[i] = f(x[i]) in parallel pieces.
template <class F>
[[nodiscard]] Tensor map_each(const Tensor& x, std::int64_t grain, F f) {
  Tensor y(x.shape());
  const Scalar* from = x.data();
  Scalar* to = y.mutable_data();
  parallel_for(x.numel(), grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = f(from[i]);
  });
  return y;
}

/// y[i] = f(a[i], b[i]) for equal shapes.
template <class F>
[[nodiscard]] Tensor map_each(const Tensor& a, const Tensor& b, std::int64_t grain, F f) {
  Tensor y(a.shape());
  const Scalar* left = a.data();
  const Scalar* right = b.data();
  Scalar* to = y.mutable_data();
  parallel_for(a.numel(), grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = f(left[i], right[i]);
  });
  return y;
}

/// Records y = f(x) whose backward is gradient(dy, saved) → dx; only what it needs is kept.
template <class Gradient>
[[nodiscard]] Variable record_map(const char* op, const Variable& x, Tensor y, Saved saved, Gradient gradient) {
  Tensor kept = saved == Saved::kInput ? x.value() : y;
  return record(op, std::move(y), {x}, [kept = std::move(kept), gradient](const Tensor& dy, const Needs&) {
    return Gradients{gradient(dy, kept)};
  });
}

}  // namespace tempera::core
