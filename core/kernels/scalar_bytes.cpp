// Reference kernels: whole numbers times a scale, kept as bytes.
#include "tempera/core/kernels/levels.hpp"

#include <cmath>

namespace tempera::core::detail {
namespace {

bool fake_quant_bytes(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, std::int8_t* q) noexcept {
  bool inside = true;
  for (std::int64_t i = 0; i < n; ++i) {
    Scalar step = std::nearbyint(x[i] / grid.scale);
    inside = inside && step >= grid.low && step <= grid.high;
    if (step < grid.low) step = grid.low;
    if (step > grid.high) step = grid.high;
    q[i] = static_cast<std::int8_t>(step);
  }
  return inside;
}

void expand_bytes(std::int64_t n, const std::int8_t* q, Scalar scale, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<Scalar>(q[i]) * scale;
}

void pack_byte_rows(std::int64_t n, std::int64_t k, const std::int8_t* q, std::int64_t stride, const Scalar* scales,
                    Scalar* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t j = 0; j < kScalarColumns; ++j) {
      *panel++ = j < n ? static_cast<Scalar>(q[p * stride + j]) * scales[p] : Scalar{0};
    }
  }
}

void pack_byte_columns(std::int64_t n, std::int64_t k, const std::int8_t* q, std::int64_t stride, const Scalar* scales,
                       Scalar* panel) noexcept {
  for (std::int64_t p = 0; p < k; ++p) {
    for (std::int64_t j = 0; j < kScalarColumns; ++j) {
      *panel++ = j < n ? static_cast<Scalar>(q[j * stride + p]) * scales[j] : Scalar{0};
    }
  }
}

}  // namespace

void fill_scalar_bytes(KernelTable& table) {
  table.fake_quant_bytes = fake_quant_bytes;
  table.expand_bytes = expand_bytes;
  table.gemm_pack_byte_rows = pack_byte_rows;
  table.gemm_pack_byte_columns = pack_byte_columns;
}

}  // namespace tempera::core::detail
