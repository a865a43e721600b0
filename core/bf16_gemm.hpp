// The matrix product on operands rounded to bfloat16.
#pragma once

#include "tempera/core/gemm.hpp"
#include "tempera/core/integers.hpp"
#include "tempera/core/kernels/bf16_table.hpp"

namespace tempera::core::detail {

/// Words along k that are multiplied at a time, and all of them: k cut into steps as equal as can be.
struct Bf16Depth {
  std::int64_t step, words;

  Bf16Depth(std::int64_t k, std::int64_t most) noexcept {
    const std::int64_t needed = ceil_div(k, 2), steps = ceil_div(needed, most);
    step = ceil_div(needed, steps);
    words = step * steps;
  }
};

/// Rows of k values that are worth a thread's while to round and pack; a multiple of the sixteen that are taken at a time
/// from a transposed operand.
[[nodiscard]] constexpr std::int64_t bf16_rows_to_pack(std::int64_t k) noexcept { return 16 * ceil_div(1024, k); }

/// All rows of A, rounded and packed for strips.
[[nodiscard]] Storage bf16_pack_a(const Gemm& args, const Bf16KernelTable& table, std::int64_t words);
/// The panel of the columns of B from `j` on.
void bf16_pack_b(const Gemm& args, const Bf16KernelTable& table, std::int64_t words, std::int64_t j,
                 std::uint32_t* panel);

/// gemm() for Precision::kBf16 with the kernels of `table`; no extent may be 0.
void bf16_gemm(const Gemm& args, const Bf16KernelTable& table);

}  // namespace tempera::core::detail
