// Limits on gradients and weights that hold for every optimizer.
#pragma once

#include <vector>

#include "tempera/nn/parameter.hpp"

namespace tempera::nn {

/// Length (L2) of all gradients taken as one vector; the same for every number of threads.
[[nodiscard]] double gradient_norm(const std::vector<Parameter>& parameters);
/// Shortens all gradients by one factor, limit / norm, where their norm is above the limit (Pascanu et al. 2013, §3.2).
/// Returns the norm before. A norm that is not finite changes nothing.
double clip_gradient_norm(const std::vector<Parameter>& parameters, double limit);
/// Moves each element of each gradient into [−limit, limit].
void clip_gradient_values(const std::vector<Parameter>& parameters, double limit);

/// Shortens each unit's incoming weights (a row of a weight [out, in…]) to √limit where their squared length is above
/// the limit (Hinton et al. 2012, arXiv 1207.0580, §2). Acts on Role::kWeight of rank ≥ 2. A row whose length is not finite
/// stays as it is.
void limit_squared_lengths(const std::vector<Parameter>& parameters, double limit);

}  // namespace tempera::nn
