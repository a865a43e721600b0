// What evaluation keeps of a weight from call to call: core::KeptPanels, core::KeptFilters.
#pragma once

#include "tempera/nn/layer.hpp"

namespace tempera::nn {

/// What a layer may use of `kept`, or null: in training weights change in every step, so that it is let go; what a site makes
/// of `weight` is made anew in every call, and `used` is then another variable.
template <class Kept>
[[nodiscard]] Kept* kept_of(Kept& kept, const Variable& weight, const Variable& used, const ForwardContext& context) {
  if (context.training) kept.forget();
  return context.training || used.node() != weight.node() ? nullptr : &kept;
}

}  // namespace tempera::nn
