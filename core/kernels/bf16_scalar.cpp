// Reference kernel: rounding to bfloat16, float by float (or double by double).
#include "tempera/core/bfloat16.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core {
namespace {

void round(std::int64_t n, const Scalar* x, Scalar* y) noexcept {
  for (std::int64_t i = 0; i < n; ++i) y[i] = rounded_to_bf16(x[i]);
}

}  // namespace

void detail::fill_bf16_scalar(Bf16KernelTable& table) noexcept { table.round = round; }

}  // namespace tempera::core
