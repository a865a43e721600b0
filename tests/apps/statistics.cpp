#include "tempera/apps/experiment/statistics.hpp"

#include <doctest/doctest.h>

using namespace tempera::cli;

TEST_CASE("Wilson's interval agrees with the values of Newcombe 1998, table I") {
  const Interval a = wilson_interval(81, 263);
  CHECK(a.low == doctest::Approx(0.2553).epsilon(2e-4));
  CHECK(a.high == doctest::Approx(0.3662).epsilon(2e-4));
  const Interval b = wilson_interval(0, 20);
  CHECK(b.low == 0);
  CHECK(b.high == doctest::Approx(0.1611).epsilon(4e-4));
  const Interval none = wilson_interval(0, 0);
  CHECK(none.low == 0);
  CHECK(none.high == 1);
}

TEST_CASE("McNemar's exact test is twice the binomial tail, and 1 where nothing separates the two") {
  CHECK(mcnemar_p({.n = 100, .only_first_wrong = 1, .only_second_wrong = 8}) == doctest::Approx(2 * (1 + 9) / 512.0));
  CHECK(mcnemar_p({.n = 100, .only_first_wrong = 8, .only_second_wrong = 1}) == doctest::Approx(2 * (1 + 9) / 512.0));
  CHECK(mcnemar_p({.n = 100, .only_first_wrong = 5, .only_second_wrong = 5}) == 1);
  CHECK(mcnemar_p({.n = 100}) == 1);
}

TEST_CASE("a paired difference is positive where the second one errs more, and uncertain where both never differ") {
  // Half a sample in each of the four cells: rates 0.5/12 against 0.5/12, standard error 1/12.
  const Interval same = paired_difference({.n = 10});
  CHECK(same.high == doctest::Approx(1.959964 / 12));
  CHECK(same.low == doctest::Approx(-same.high));
  CHECK(paired_difference({.n = 1000, .only_first_wrong = 5, .only_second_wrong = 60}).low > 0);
}
