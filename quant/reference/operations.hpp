// Each instruction of a Program by its definition, one value at a time, in the plainest loops: the oracle of the engine.
// All take the integers of one sample, [numel] of the buffer.
#pragma once

#include <cstdint>
#include <vector>

#include "tempera/quant/program.hpp"

namespace tempera::quant::reference {

using Values = std::vector<std::int32_t>;

/// An input and what is known of it.
struct Input {
  const ProgramBuffer& buffer;
  const Values& values;
};

/// Rounds numerator/denominator (> 0) to an integer as `rounding` says.
[[nodiscard]] std::int64_t divide(std::int64_t numerator, std::int64_t denominator, Rounding rounding) noexcept;
/// clamp(requantize(accumulator) + zero point, low, high) with the multiplier of `channel`, or by its thresholds.
[[nodiscard]] std::int32_t apply(const Requant& requant, std::int32_t accumulator, std::int64_t channel) noexcept;

[[nodiscard]] Values linear(const program::Linear& layer, const Input& x);
[[nodiscard]] Values conv2d(const program::Conv2d& layer, const Input& x, const core::Shape& output);
[[nodiscard]] Values max_pool2d(const program::MaxPool2d& pool, const Input& x, const core::Shape& output);
[[nodiscard]] Values avg_pool2d(const program::AvgPool2d& pool, const Input& x, const core::Shape& output);
[[nodiscard]] Values requantize_all(const Requant& requant, const Input& x);
[[nodiscard]] Values add(const program::Add& sum, const Input& a, const Input& b);

}  // namespace tempera::quant::reference
