// A quantizer as a picture has it: what it makes of its arguments, and the derivative that training sees.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/quant/quantizer.hpp"

namespace tempera::quant {

/// From the smallest to the largest of some numbers; empty of none.
struct Span {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  [[nodiscard]] bool empty() const noexcept { return low > high; }
};

/// Of the finite values, not of no length.
[[nodiscard]] Span span_of(std::span<const Scalar> values);

struct DrawnStaircase {
  // Argument, value, and the derivative that training sees; and, where training has a soft form, the hard one that is evaluated
  // and shipped. Over all of the steps and what values have beyond, up to half as much on either side.
  std::vector<double> argument, value, derivative, hard;
  std::optional<std::int64_t> channel;  ///< the one of the median scale, where channels have scales of their own
  std::optional<double> temperature;    ///< of the soft form
};

/// Over what the quantizer is given, which is `whole` (a weight that batch norm is folded into: as it will have been scaled), a
/// soft form as epoch `epoch` (from 0) has trained it. Empty where a scale is one of a group or of the moment, or nothing finite
/// was seen.
[[nodiscard]] DrawnStaircase drawn_staircase(Quantizer& quantizer, const core::Tensor& whole, std::int64_t epoch);

}  // namespace tempera::quant
