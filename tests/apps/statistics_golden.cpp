// Oracle: probabilities and intervals computed in exact fractions, and quantiles of t in 40 digits, by
// tests/golden/make_statistics.py.
#include "tempera/apps/experiment/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "smoke.hpp"

using namespace tempera::cli;

TEST_CASE("McNemar's probability equals the sum of binomial terms in exact fractions") {
  const nlohmann::json golden = program::json_in("tests/golden/statistics.json");
  for (const nlohmann::json& split : golden["mcnemar"]) {
    CAPTURE(split.dump());
    const double p = mcnemar_p({.n = 10000, .only_first_wrong = split["b"], .only_second_wrong = split["c"]});
    CHECK(p == doctest::Approx(split["p"].get<double>()).epsilon(1e-10));
  }
}

TEST_CASE("Wilson's interval ends where its defining equation holds") {
  const nlohmann::json golden = program::json_in("tests/golden/statistics.json");
  for (const nlohmann::json& rate : golden["wilson"]) {
    CAPTURE(rate.dump());
    const Interval interval = wilson_interval(rate["k"], rate["n"]);
    CHECK(std::abs(interval.low - rate["interval"][0].get<double>()) < 1e-12);
    CHECK(std::abs(interval.high - rate["interval"][1].get<double>()) < 1e-12);
  }
}

TEST_CASE("quantiles of Student's t are those of its distribution function in 40 digits") {
  const nlohmann::json golden = program::json_in("tests/golden/statistics.json");
  REQUIRE(golden["t"].size() == 18);
  for (const nlohmann::json& point : golden["t"]) {
    CAPTURE(point.dump());
    CHECK(t_quantile(point["p"], point["degrees"]) == doctest::Approx(point["t"].get<double>()).epsilon(1e-9));
  }
}

TEST_CASE("the interval of a paired difference turns round with its runs and contains the difference") {
  const Interval forth = paired_difference({.n = 200, .only_first_wrong = 3, .only_second_wrong = 12});
  const Interval back = paired_difference({.n = 200, .only_first_wrong = 12, .only_second_wrong = 3});
  CHECK(forth.low == doctest::Approx(-back.high));
  CHECK(forth.high == doctest::Approx(-back.low));
  CHECK(forth.low < (12 - 3) / 200.0);
  CHECK(forth.high > (12 - 3) / 200.0);
}
