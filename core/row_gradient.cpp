#include "tempera/core/row_gradient.hpp"

#include <utility>

#include "tempera/core/kernels/caches.hpp"
#include "tempera/core/profile.hpp"

namespace tempera::core {
namespace {

constexpr std::int64_t kLeastElements = 65536;  // smaller ones stay in the second cache anyway
constexpr std::int64_t kRowsOfShare = 8;        // for fewer of them each share would read all of x for too little

}  // namespace

RowGradient::RowGradient(Tensor dy, Tensor x, Precision precision)
    : dy_(std::move(dy)), x_(std::move(x)), shape_({dy_.dim(1), x_.dim(1)}), precision_(precision) {}

std::int64_t RowGradient::most_columns() noexcept {
  return second_level_cache_bytes() / (8 * kRowsOfShare * static_cast<std::int64_t>(sizeof(Scalar)));
}

// Every share of rows reads all of x, and both factors are kept until the optimizer has run: together no more than what they
// are kept instead of.
bool RowGradient::pays() const {
  const std::int64_t elements = dy_.dim(1) * x_.dim(1);
  return elements >= kLeastElements && dy_.numel() + x_.numel() <= elements && x_.dim(1) <= most_columns() &&
         x_.numel() * static_cast<std::int64_t>(sizeof(Scalar)) <= second_level_cache_bytes() / 2 &&
         RowProduct::suits(product());
}

Gemm RowGradient::product() const {
  return {.m = dy_.dim(1),
          .n = x_.dim(1),
          .k = dy_.dim(0),
          .a = dy_.data(),
          .lda = dy_.dim(1),
          .transpose_a = true,
          .b = x_.data(),
          .ldb = x_.dim(1),
          .precision = precision_};
}

Tensor RowGradient::make() const {
  Tensor dw(shape());
  if (!rows_) count_multiply_adds(dw.numel(), dy_.dim(0));  // else prepare() has counted it
  Gemm args = product();
  args.c = dw.mutable_data();
  args.ldc = dw.dim(1);
  gemm(args);
  return dw;
}

void RowGradient::prepare() {
  if (rows_) return;
  count_multiply_adds(dy_.dim(1) * x_.dim(1), dy_.dim(0));
  rows_.emplace(product());
}

}  // namespace tempera::core
