#include <cmath>

#include "tempera/core/ops/broadcast.hpp"
#include "tempera/core/ops/elementwise.hpp"

namespace tempera::core {
namespace {

void add_number(std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept { kernels().add_scalar(n, x, s, y); }
void mul_number(std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept { kernels().mul_scalar(n, x, s, y); }
void sub_number(std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept { kernels().add_scalar(n, x, -s, y); }
void sub_from_number(std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = s - x[i];
}
void div_by_number(std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] / s;
}
void div_number_by(std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = s / x[i];
}

BinaryKernels add_kernels() { return {kernels().add, add_number, add_number}; }
BinaryKernels sub_kernels() { return {kernels().sub, sub_number, sub_from_number}; }
BinaryKernels mul_kernels() { return {kernels().mul, mul_number, mul_number}; }
BinaryKernels div_kernels() { return {kernels().div, div_by_number, div_number_by}; }

Tensor product(const Tensor& a, const Tensor& b) { return broadcast_apply("mul", a, b, mul_kernels()); }
Tensor quotient(const Tensor& a, const Tensor& b) { return broadcast_apply("div", a, b, div_kernels()); }

Tensor scaled(const Tensor& x, double factor) {
  return broadcast_apply("mul", x, Tensor::scalar(static_cast<Scalar>(factor)), mul_kernels());
}

// Kernels of the plain loops below, made from a function of two numbers.
template <Scalar (*F)(Scalar, Scalar)>
BinaryKernels loops() {
  return {[](std::int64_t n, const Scalar* a, const Scalar* b, Scalar* y) noexcept {
            for (std::int64_t i = 0; i < n; ++i) y[i] = F(a[i], b[i]);
          },
          [](std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept {
            for (std::int64_t i = 0; i < n; ++i) y[i] = F(x[i], s);
          },
          [](std::int64_t n, const Scalar* x, Scalar s, Scalar* y) noexcept {
            for (std::int64_t i = 0; i < n; ++i) y[i] = F(s, x[i]);
          }};
}

Scalar larger(Scalar a, Scalar b) { return a > b || std::isnan(a) ? a : b; }
Scalar smaller(Scalar a, Scalar b) { return a < b || std::isnan(a) ? a : b; }
// Share of the gradient that goes to `a`.
Scalar share_of_larger(Scalar a, Scalar b) { return a > b ? Scalar{1} : a == b ? Scalar(0.5) : Scalar{0}; }
Scalar share_of_smaller(Scalar a, Scalar b) { return share_of_larger(b, a); }

template <Scalar (*Pick)(Scalar, Scalar), Scalar (*Share)(Scalar, Scalar)>
Variable pick_one(const char* op, const Variable& a, const Variable& b) {
  Tensor y = broadcast_apply(op, a.value(), b.value(), loops<Pick>());
  return record(op, std::move(y), {a, b}, [a = a.value(), b = b.value()](const Tensor& dy, const Needs& needs) {
    Gradients gradients(2);
    const Tensor share = broadcast_apply("share", a, b, loops<Share>());
    if (needs[0]) gradients[0] = sum_to(product(dy, share), a.shape());
    if (needs[1]) {
      const Tensor rest = broadcast_apply("share", b, a, loops<Share>());
      gradients[1] = sum_to(product(dy, rest), b.shape());
    }
    return gradients;
  });
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  Tensor y = broadcast_apply("add", a.value(), b.value(), add_kernels());
  return record("add", std::move(y), {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor& dy, const Needs& needs) {
    Gradients gradients(2);
    if (needs[0]) gradients[0] = sum_to(dy, sa);
    if (needs[1]) gradients[1] = sum_to(dy, sb);
    return gradients;
  });
}

Variable sub(const Variable& a, const Variable& b) {
  Tensor y = broadcast_apply("sub", a.value(), b.value(), sub_kernels());
  return record("sub", std::move(y), {a, b}, [sa = a.shape(), sb = b.shape()](const Tensor& dy, const Needs& needs) {
    Gradients gradients(2);
    if (needs[0]) gradients[0] = sum_to(dy, sa);
    if (needs[1]) gradients[1] = scaled(sum_to(dy, sb), -1.0);
    return gradients;
  });
}

Variable mul(const Variable& a, const Variable& b) {
  return record("mul", product(a.value(), b.value()), {a, b},
                [a = a.value(), b = b.value()](const Tensor& dy, const Needs& needs) {
                  Gradients gradients(2);
                  if (needs[0]) gradients[0] = sum_to(product(dy, b), a.shape());
                  if (needs[1]) gradients[1] = sum_to(product(dy, a), b.shape());
                  return gradients;
                });
}

Variable div(const Variable& a, const Variable& b) {
  Tensor y = quotient(a.value(), b.value());
  return record("div", y, {a, b}, [a = a.shape(), b = b.value(), y](const Tensor& dy, const Needs& needs) {
    Gradients gradients(2);
    const Tensor by_a = quotient(dy, b);
    if (needs[0]) gradients[0] = sum_to(by_a, a);
    if (needs[1]) gradients[1] = scaled(sum_to(product(by_a, y), b.shape()), -1.0);
    return gradients;
  });
}

Variable maximum(const Variable& a, const Variable& b) { return pick_one<larger, share_of_larger>("maximum", a, b); }
Variable minimum(const Variable& a, const Variable& b) { return pick_one<smaller, share_of_smaller>("minimum", a, b); }

Variable add(const Variable& a, double b) {
  Tensor y = broadcast_apply("add", a.value(), Tensor::scalar(static_cast<Scalar>(b)), add_kernels());
  return record_straight_through("add", std::move(y), a);
}

Variable mul(const Variable& a, double b) {
  return record("mul", scaled(a.value(), b), {a},
                [b](const Tensor& dy, const Needs&) { return Gradients{scaled(dy, b)}; });
}

Variable div(const Variable& a, double b) {
  const Tensor divisor = Tensor::scalar(static_cast<Scalar>(b));
  return record("div", quotient(a.value(), divisor), {a},
                [divisor](const Tensor& dy, const Needs&) { return Gradients{quotient(dy, divisor)}; });
}

Variable div(double a, const Variable& b) { return div(Variable(Tensor::scalar(static_cast<Scalar>(a))), b); }

Variable neg(const Variable& x) {
  return record("neg", scaled(x.value(), -1.0), {x},
                [](const Tensor& dy, const Needs&) { return Gradients{scaled(dy, -1.0)}; });
}

}  // namespace tempera::core
