// Reference kernels: one step of an optimizer.
#include <cmath>

#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {
namespace {

void sgd(std::int64_t n, Scalar rate, Scalar momentum, Scalar decay, bool nesterov, const Scalar* g, Scalar* v,
         Scalar* w) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {
    Scalar step = g[i] + decay * w[i];
    if (momentum != 0) {
      v[i] = momentum * v[i] + step;
      step = nesterov ? step + momentum * v[i] : v[i];
    }
    w[i] -= rate * step;
  }
}

void adam(std::int64_t n, Scalar rate, Scalar beta1, Scalar beta2, Scalar epsilon, Scalar c1, Scalar c2, Scalar decay,
          Scalar decoupled_decay, const Scalar* g, Scalar* m, Scalar* v, Scalar* w) noexcept {
  for (std::int64_t i = 0; i < n; ++i) {
    const Scalar gradient = g[i] + decay * w[i];
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    w[i] -= rate * decoupled_decay * w[i] + rate * (m[i] / c1) / (std::sqrt(v[i] / c2) + epsilon);
  }
}

}  // namespace

void fill_scalar_update(KernelTable& table) {
  table.sgd = sgd;
  table.adam = adam;
}

}  // namespace tempera::core::detail
