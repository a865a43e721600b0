// What observers keep: a few numbers a channel, in variables, so that they are saved with the model.
#pragma once

#include "tempera/core/variable.hpp"

namespace tempera::quant {

[[nodiscard]] inline core::Variable zero_state(const core::Shape& shape) {
  return core::Variable(core::Tensor::zeros(shape));
}

[[nodiscard]] inline Scalar& state_at(const core::Variable& state, std::int64_t index) {
  return state.mutable_value().mutable_values()[static_cast<std::size_t>(index)];
}

}  // namespace tempera::quant
