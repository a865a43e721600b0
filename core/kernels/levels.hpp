// What each instruction level's translation unit offers to table.cpp: a function that puts its kernels into a table,
// over those of the level below.
#pragma once

#include "tempera/core/kernels/table.hpp"

namespace tempera::core::detail {

void fill_scalar(KernelTable& table);         ///< every kernel, by those below
void fill_scalar_math(KernelTable& table);    ///< elementwise functions
void fill_scalar_rows(KernelTable& table);    ///< reductions and functions of rows
void fill_scalar_update(KernelTable& table);  ///< optimizer steps
void fill_scalar_quant(KernelTable& table);   ///< ranges and fake quantization
void fill_scalar_bytes(KernelTable& table);   ///< whole numbers times a scale
void fill_scalar_stairs(KernelTable& table);  ///< sigmoids in a row
void fill_scalar_gemm(KernelTable& table);
void fill_scalar_conv(KernelTable& table);
void fill_scalar_winograd(KernelTable& table);
void fill_scalar_pool(KernelTable& table);
void fill_scalar_channels(KernelTable& table);  ///< sums and functions by channel
bool scalar_fake_quant(std::int64_t n, const FakeQuantGrid& grid, const Scalar* x, Scalar* y) noexcept;
inline constexpr std::int64_t kScalarColumns = 8;  ///< gemm_nr of the reference kernels
inline constexpr std::int64_t kMostColumns = 32;   ///< gemm_nr of any level at most

// In single precision only; each is compiled for its instruction set from simd.ipp.
void fill_sse42(KernelTable& table);
void fill_avx2(KernelTable& table);
void fill_avx512(KernelTable& table);

/// Rounds of multiply-adds in registers, whose number is returned; sums[0] goes in and comes out.
std::int64_t multiply_adds_sse42(std::int64_t rounds, Scalar* sums) noexcept;
std::int64_t multiply_adds_avx2(std::int64_t rounds, Scalar* sums) noexcept;
std::int64_t multiply_adds_avx512(std::int64_t rounds, Scalar* sums) noexcept;

}  // namespace tempera::core::detail
