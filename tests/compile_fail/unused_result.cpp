// expect: ignoring return value.*unused-result
// An operation returns its result and changes nothing: to call one for its effect is a mistake.
#include "tempera/core/ops/elementwise.hpp"

void halve(const tempera::core::Variable& x) {
#ifdef MUST_FAIL
  tempera::core::mul(x, 0.5);
#else
  static_cast<void>(tempera::core::mul(x, 0.5));
#endif
}
