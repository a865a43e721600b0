// Checks gradients against central differences. Meant for the `f64` preset, where differences are good to ten digits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tempera/core/variable.hpp"

namespace tempera::core {

struct GradcheckOptions {
  static constexpr bool kDouble = sizeof(Scalar) == sizeof(double);
  double epsilon = kDouble ? 1e-5 : 1e-2;    ///< step of the difference, times max(1, |x|)
  double tolerance = kDouble ? 1e-6 : 2e-2;  ///< allowed |analytic − numeric| / max(1, |analytic|, |numeric|)
  std::int64_t max_elements = 0;             ///< per input, evenly spaced; 0 checks all
  std::uint64_t seed = 1;                    ///< of the weights that make a scalar of the output
};

/// Where analytic and numeric derivative differ most.
struct GradcheckResult {
  bool passed = true;
  std::size_t input = 0;     ///< position among the inputs
  std::int64_t element = 0;  ///< offset in that input
  double analytic = 0;
  double numeric = 0;
  double error = 0;  ///< in the measure of GradcheckOptions::tolerance
  std::int64_t checked = 0;
  /// "input 1 [3, 4], element 7: analytic 0.5, numeric 0.25, error 0.25 (tolerance 1e-06)".
  std::string report;
};

/// A function under test; its result may have any shape and must not depend on anything that changes between calls.
using GradcheckFn = std::function<Variable(const std::vector<Variable>& inputs)>;

/// Compares the derivatives of Σ c·fn(inputs), c fixed random weights, with central differences, for every input that
/// requires a gradient. The inputs' values are changed in place and restored, so they may be parameters that `fn` reaches
/// in another way; their gradients are left empty. Throws what `fn` throws.
[[nodiscard]] GradcheckResult gradcheck(const GradcheckFn& fn, const std::vector<Variable>& inputs,
                                        const GradcheckOptions& options = {});

}  // namespace tempera::core
