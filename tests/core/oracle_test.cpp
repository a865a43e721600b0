// That the oracles of these tests see what is no number.
#include <doctest/doctest.h>

#include <limits>

#include "core/golden.hpp"
#include "support/worse.hpp"

using namespace tempera;

TEST_CASE("the worst of differences is infinite once one of them is no number, wherever it stands") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  CHECK(test::worse(0, kNan) == kInfinity);
  CHECK(test::worse(kNan, 0) == kInfinity);
  CHECK(test::worse(test::worse(0.5, kNan), 1) == kInfinity);
  CHECK(test::worse(0.5, 0.25) == 0.5);
  CHECK(test::worse(0.25, 0.5) == 0.5);
}

TEST_CASE("a NaN or an infinity in place of a golden value is infinitely far from it") {
  const golden_test::Json golden{{"shape", {3}}, {"values", {1.0, 2.0, 3.0}}};
  for (const Scalar wrong : {std::numeric_limits<Scalar>::quiet_NaN(), std::numeric_limits<Scalar>::infinity()}) {
    for (int place = 0; place < 3; ++place) {
      core::Tensor got({3}, {1, 2, 3});
      got.mutable_data()[place] = wrong;
      CHECK(golden_test::worst_difference(got, golden) == std::numeric_limits<double>::infinity());
    }
  }
  CHECK(golden_test::worst_difference(core::Tensor({3}, {1, 2, 3}), golden) == 0);
}
