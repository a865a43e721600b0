// The reference level: the plainest loops, instantiated for Scalar (double in the f64 preset). Every other level is
// tested against it.
#include "tempera/core/kernels/levels.hpp"

namespace tempera::core::detail {

void fill_scalar(KernelTable& table) {
  fill_scalar_math(table);
  fill_scalar_rows(table);
  fill_scalar_update(table);
  fill_scalar_quant(table);
  fill_scalar_bytes(table);
  fill_scalar_stairs(table);
  fill_scalar_gemm(table);
  fill_scalar_conv(table);
  fill_scalar_winograd(table);
  fill_scalar_pool(table);
  fill_scalar_channels(table);
}

}  // namespace tempera::core::detail
