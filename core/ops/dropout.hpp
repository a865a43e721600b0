// Dropout (Hinton et al. 2012, arXiv 1207.0580), in its inverted form.
#pragma once

#include "tempera/core/random.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::core {

/// Each element is 0 with `probability`, else divided by 1 − probability, so that its mean stays. Which are dropped is a
/// function of `random` and the position alone: give every layer and step a substream of its own. Throws ConfigError
/// unless 0 ≤ probability < 1.
[[nodiscard]] Variable dropout(const Variable& x, double probability, const Random& random);

}  // namespace tempera::core
