// The matrix product on operands rounded to bfloat16.
#pragma once

#include "tempera/core/gemm.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core::detail {

/// gemm() for Precision::kBf16 with the kernels of `table`; no extent may be 0.
void bf16_gemm(const Gemm& args, const Bf16KernelTable& table);

}  // namespace tempera::core::detail
