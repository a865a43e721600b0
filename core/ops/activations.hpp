// Activation functions, elementwise.
#pragma once

#include "tempera/core/variable.hpp"

namespace tempera::core {

/// max(x, 0), derivative 0 at 0; NaN stays NaN, so that a broken network is noticed.
[[nodiscard]] Variable relu(const Variable& x);
/// x for x > 0, else slope·x (Maas et al. 2013).
[[nodiscard]] Variable leaky_relu(const Variable& x, double slope = 0.01);
/// x·Φ(x) with the exact normal distribution, ½·x·(1 + erf(x/√2)) (Hendrycks & Gimpel 2016), not the tanh form.
[[nodiscard]] Variable gelu(const Variable& x);
/// 1/(1+exp(−x)), in the form that does not overflow.
[[nodiscard]] Variable sigmoid(const Variable& x);
[[nodiscard]] Variable tanh(const Variable& x);
/// log(1 + exp(x)), in the form that does not overflow.
[[nodiscard]] Variable softplus(const Variable& x);

}  // namespace tempera::core
