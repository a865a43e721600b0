// What a staircase of sigmoids is by its formula: every step, in long double.
#pragma once

#include <cmath>

#include "tempera/core/kernels/table.hpp"

namespace tempera::test {

struct ExactStairs {
  long double y, slope;
};

inline ExactStairs exact_stairs(const core::SigmoidStairs& s, float x) {
  const long double position = static_cast<long double>(x) / s.width + s.middle + 0.5L;
  long double sum = 0, slope = 0;
  for (long double k = 1; k <= s.steps; ++k) {
    const long double z = s.temperature * (position - k), e = std::exp(-std::abs(z)), small = e / (1 + e);
    sum += z >= 0 ? 1 - small : small;
    slope += small * (1 - small);
  }
  return {s.height * (sum - s.middle), s.height / s.width * s.temperature * slope};
}

}  // namespace tempera::test
