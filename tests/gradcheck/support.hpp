// Random operands for gradient checks, and the check itself as a property with a fixed seed.
#pragma once

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tempera/core/gradcheck.hpp"
#include "tempera/core/random.hpp"

namespace tempera::gradcheck_test {

using core::Random;
using core::Shape;
using core::Tensor;
using core::Variable;
using Variables = std::vector<Variable>;

/// Runs `body` on 150 generated cases, the same ones every time.
template <class Body>
void property(const std::string& name, Body&& body) {
  setenv("RC_PARAMS", "seed=20240607 max_success=150", 0);  // read by RapidCheck at its first check
  CHECK(rc::check(name, std::forward<Body>(body)));
}

inline int number(int low, int high) { return *rc::gen::inRange(low, high + 1); }
inline bool coin() { return number(0, 1) == 1; }

inline Shape shape_of(const std::vector<std::int64_t>& extents) {
  return Shape(std::span<const std::int64_t>(extents));
}

/// A shape of `rank` axes of 1 to `largest` elements.
inline Shape some_shape(int rank, int largest = 4) {
  std::vector<std::int64_t> extents;
  for (int i = 0; i < rank; ++i) extents.push_back(number(1, largest));
  return shape_of(extents);
}

/// A shape that broadcasts to `full`: leading axes missing, others of extent 1.
inline Shape repeated_to(const Shape& full) {
  std::vector<std::int64_t> extents;
  for (int i = number(0, full.rank()); i < full.rank(); ++i) extents.push_back(coin() ? 1 : full[i]);
  return shape_of(extents);
}

inline Random some_random() { return Random(static_cast<std::uint64_t>(number(0, 1 << 20)), "operand"); }

inline Variable normal(const Shape& shape) {
  Tensor values(shape);
  some_random().fill_normal(values.mutable_values(), 0.0, 1.0);
  return Variable(values, true);
}

inline Variable uniform(const Shape& shape, double low, double high) {
  Tensor values(shape);
  some_random().fill_uniform(values.mutable_values(), low, high);
  return Variable(values, true);
}

/// Values 0.1 apart in random order, none nearer to 0 than 0.05: no ties, and no kink within the step of a difference.
inline Variable distinct(const Shape& shape) {
  Tensor values(shape);
  const auto order = some_random().permutation(shape.numel());
  const std::int64_t middle = shape.numel() / 2;
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    const auto step = static_cast<double>(order[static_cast<std::size_t>(i)] - middle);
    values.mutable_data()[i] = static_cast<Scalar>(0.1 * step + 0.05);
  }
  return Variable(values, true);
}

/// Fails the property with the worst element unless the gradients of `fn` agree with central differences.
inline void agrees(const core::GradcheckFn& fn, const Variables& inputs) {
  const auto result = core::gradcheck(fn, inputs);
  if (!result.passed) RC_FAIL(result.report);
}

}  // namespace tempera::gradcheck_test
