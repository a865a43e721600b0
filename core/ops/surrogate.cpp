#include "tempera/core/ops/surrogate.hpp"

#include <cmath>

#include "tempera/core/ops/map.hpp"

namespace tempera::core {
namespace {

Variable staircase(const char* op, const Variable& x, Tensor y, Surrogate surrogate) {
  if (surrogate == Surrogate::kIdentity) {
    return record_straight_through(op, std::move(y), x);
  }
  return record_map(op, x, std::move(y), Saved::kInput, [](const Tensor& dy, const Tensor& in) {
    return map_each(dy, in, kLightGrain, [](Scalar g, Scalar v) { return std::abs(v) <= Scalar{1} ? g : Scalar{0}; });
  });
}

}  // namespace

Variable round(const Variable& x, Surrogate surrogate) {
  // nearbyint rounds as the processor is set: half to even unless a program changes it.
  return staircase("round", x, map_each(x.value(), kLightGrain, [](Scalar v) { return std::nearbyint(v); }), surrogate);
}

Variable sign(const Variable& x, Surrogate surrogate) {
  return staircase("sign", x,
                   map_each(x.value(), kLightGrain,
                            [](Scalar v) { return v >= Scalar{0}  ? Scalar{1}
                                                  : v < Scalar{0} ? Scalar{-1}
                                                                  : v; }),
                   surrogate);
}

}  // namespace tempera::core
