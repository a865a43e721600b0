#include "tempera/core/precision.hpp"

#include <utility>

#include "tempera/core/kernels/bf16_table.hpp"
#include "tempera/core/ops/broadcast.hpp"

namespace tempera::core {
namespace {

thread_local Precision current = Precision::kFloat32;

}  // namespace

std::string_view precision_name(Precision precision) noexcept {
  return precision == Precision::kBf16 ? "bf16" : "float32";
}

Precision precision() noexcept { return current; }

PrecisionScope::PrecisionScope(Precision precision) noexcept : previous_(std::exchange(current, precision)) {}
PrecisionScope::~PrecisionScope() { current = previous_; }

Tensor as_operand(const Tensor& x, Precision precision) {
  return precision == Precision::kFloat32 ? x : map(x, bf16_kernels().round, kLightGrain);
}

std::string_view bf16_instructions() { return bf16_kernels().instructions; }

}  // namespace tempera::core
