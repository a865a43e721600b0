#include "tempera/core/ops/matmul.hpp"

#include "tempera/core/gemm.hpp"
#include "tempera/core/ops/check.hpp"
#include "tempera/core/profile.hpp"

namespace tempera::core {
namespace {

// op(a) · op(b), both of two axes and known to fit.
Tensor product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Precision precision) {
  const std::int64_t m = a.dim(transpose_a ? 1 : 0), k = a.dim(transpose_a ? 0 : 1), n = b.dim(transpose_b ? 0 : 1);
  Tensor c({m, n});
  count_multiply_adds(c.numel(), k);
  gemm({.m = m,
        .n = n,
        .k = k,
        .a = a.data(),
        .lda = a.dim(1),
        .transpose_a = transpose_a,
        .b = b.data(),
        .ldb = b.dim(1),
        .transpose_b = transpose_b,
        .c = c.mutable_data(),
        .ldc = n,
        .precision = precision});
  return c;
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b, Transposed t) {
  require(a.shape().rank() == 2 && b.shape().rank() == 2, "matmul", "operands must have two axes, received {} and {}",
          a.shape(), b.shape());
  require(a.shape()[t.a ? 0 : 1] == b.shape()[t.b ? 1 : 0], "matmul",
          "inner extents must agree, received {}{} and {}{}", a.shape(), t.a ? " transposed" : "", b.shape(),
          t.b ? " transposed" : "");
  const Precision p = precision();
  return record("matmul", product(a.value(), t.a, b.value(), t.b, p), {a, b},
                [a = a.value(), b = b.value(), t, p](const Tensor& dy, const Needs& needs) {
                  Gradients gradients(2);
                  if (needs[0]) gradients[0] = t.a ? product(b, t.b, dy, true, p) : product(dy, false, b, !t.b, p);
                  if (needs[1]) gradients[1] = t.b ? product(dy, true, a, t.a, p) : product(a, !t.a, dy, false, p);
                  return gradients;
                });
}

}  // namespace tempera::core
