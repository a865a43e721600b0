// Staircases with a declared derivative: the true one is 0 almost everywhere and teaches nothing.
#pragma once

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// What stands in for the derivative (the straight-through estimator, Bengio et al. 2013, and its clipped form, Courbariaux
/// et al. 2016, eq. 4).
enum class Surrogate {
  kIdentity,  ///< dx = dy
  kClipped,   ///< dx = dy where |x| ≤ 1, else 0
};

/// To the nearest integer, ties to the even one.
[[nodiscard]] Variable round(const Variable& x, Surrogate surrogate = Surrogate::kIdentity);
/// +1 where x ≥ 0 (also for −0), −1 elsewhere; NaN stays NaN.
[[nodiscard]] Variable sign(const Variable& x, Surrogate surrogate = Surrogate::kClipped);

}  // namespace tempera::core
