// The arithmetic a processor does when nothing holds it up: what the speed of a kernel is a share of.
#pragma once

#include <cstdint>

#include "tempera/core/kernels/table.hpp"

namespace tempera::core {

/// Multiplies and adds in registers, without memory, at a level that is available; its time is for the caller to take.
/// `value` is replaced by what came out, so that the work is not left out. Returns the multiply-adds that were done,
/// which are proportional to `rounds`.
std::int64_t multiply_adds_in_registers(Isa level, std::int64_t rounds, Scalar& value) noexcept;

}  // namespace tempera::core
