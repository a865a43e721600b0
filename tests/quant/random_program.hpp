// Programs made by chance: every kind of instruction, odd shapes, extreme weights and zero points; each passes check().
#pragma once

#include <cstdint>
#include <random>

#include "tempera/core/tensor.hpp"
#include "tempera/quant/program.hpp"

namespace tempera::quant_test {

/// The same for the same seed.
[[nodiscard]] quant::Program random_program(std::uint64_t seed);
/// Samples for it, with ties, NaN and infinities among them.
[[nodiscard]] core::Tensor random_samples(const quant::Program& program, std::int64_t batch, std::uint64_t seed);

}  // namespace tempera::quant_test
