// The running worst of the differences that an oracle finds.
#pragma once

#include <cmath>
#include <limits>

namespace tempera::test {

/// The larger of both, infinity where one is no number: std::max(worst, NaN) is `worst`, so that an oracle which uses it
/// passes a result of nothing but NaN.
inline double worse(double worst, double error) {
  if (std::isnan(worst) || std::isnan(error)) return std::numeric_limits<double>::infinity();
  return worst < error ? error : worst;
}

}  // namespace tempera::test
