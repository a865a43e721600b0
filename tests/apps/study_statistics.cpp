// Oracles: closed forms of Student's t for 1 and 2 degrees of freedom (Cauchy; t = (2p−1)·√(2/(1−(2p−1)²))), tables, and
// means worked out by hand.
#include "tempera/apps/experiment/study_statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>

namespace {

using namespace tempera::cli;
using nlohmann::ordered_json;

TEST_CASE("quantiles of Student's t agree with their closed forms, tables and the normal limit") {
  for (const double p : {0.5, 0.6, 0.9, 0.975, 0.999}) {
    CAPTURE(p);
    CHECK(t_quantile(p, 1) == doctest::Approx(std::tan(std::numbers::pi * (p - 0.5))).epsilon(1e-9));
    const double s = 2 * p - 1;
    CHECK(t_quantile(p, 2) == doctest::Approx(s * std::sqrt(2 / (1 - s * s))).epsilon(1e-9));
    CHECK(t_quantile(1 - p, 5) == doctest::Approx(-t_quantile(p, 5)).epsilon(1e-9));
  }
  CHECK(t_quantile(0.975, 4) == doctest::Approx(2.776445105).epsilon(1e-8));  // any printed table
  CHECK(t_quantile(0.975, 1e7) == doctest::Approx(1.959964).epsilon(1e-6));
}

TEST_CASE("a mean has an interval from two numbers on, and none from one") {
  const std::vector<double> numbers{1, 2, 3, 4};
  const Mean mean = mean_of(numbers);
  CHECK(mean.mean == 2.5);
  CHECK(mean.deviation == doctest::Approx(std::sqrt(5.0 / 3)));
  REQUIRE(mean.interval);
  CHECK(mean.interval->high == doctest::Approx(2.5 + 3.182446305 * std::sqrt(5.0 / 12)));  // t of 3 degrees
  CHECK(!mean_of(std::vector<double>{7}).interval);
  CHECK(mean_of({}).n == 0);
}

ordered_json run(const std::string& way, int seed, double floats, double integers,
                 const std::string& status = "completed") {
  return {{"folder", "f"},
          {"overrides", {{"way", way}, {"seed", seed}}},
          {"status", status},
          {"results", {{"float", {{"accuracy", floats}}}, {"integer", {{"accuracy", integers}}}}},
          {"bytes", {{"program", 100}}}};
}

TEST_CASE("what is lost to floats is counted from the weights before calibration where it changed them") {
  ordered_json changed = run("a", 1, 0.7, 0.8);
  changed["results"]["before_calibration"]["accuracy"] = 0.9;
  const ordered_json study{{"name", "s"},
                           {"vary", {{"way", {"a", "b"}}, {"seed", {1}}}},
                           {"pair_by", "seed"},
                           {"runs", {changed, run("b", 1, 0.7, 0.6)}}};
  const ordered_json statistics = study_statistics(study);
  REQUIRE(statistics.at("cells").size() == 2);
  const ordered_json &a = statistics.at("cells")[0], &b = statistics.at("cells")[1];
  CHECK(a.at("mode") == "integer");
  CHECK(a.at("lost_to_float").at("mean").get<double>() == doctest::Approx(0.1));
  CHECK(a.at("accuracy").at("float").at("mean").get<double>() == doctest::Approx(0.7));
  CHECK(b.at("lost_to_float").at("mean").get<double>() == doctest::Approx(0.1));
  CHECK_FALSE(b.at("accuracy").contains("before_calibration"));
}

TEST_CASE("differences are taken within the pairs, and runs without a partner or an end do not count") {
  const ordered_json study{{"name", "s"},
                           {"vary", {{"way", {"a", "b"}}, {"seed", {1, 2, 3}}}},
                           {"pair_by", "seed"},
                           {"runs",
                            {run("a", 1, 0.9, 0.80), run("a", 2, 0.9, 0.60), run("a", 3, 0.9, 0.1, "failed"),
                             run("b", 1, 0.9, 0.81), run("b", 2, 0.9, 0.63), run("b", 3, 0.9, 0.5)}}};
  const ordered_json statistics = study_statistics(study);
  REQUIRE(statistics.at("cells").size() == 2);
  const ordered_json& a = statistics.at("cells")[0];
  CHECK(a.at("mode") == "integer");
  CHECK(a.at("accuracy").at("integer").at("mean").get<double>() == doctest::Approx(0.7));
  CHECK(a.at("accuracy").at("integer").at("n") == 2);
  CHECK(a.at("lost_to_float").at("mean").get<double>() == doctest::Approx(0.2));
  REQUIRE(statistics.at("differences").size() == 1);
  const ordered_json& difference = statistics.at("differences")[0];
  CHECK(difference.at("path") == "way");
  CHECK(difference.at("accuracy").at("n") == 2);
  CHECK(difference.at("accuracy").at("mean").get<double>() == doctest::Approx(0.02));
  // Deviation 0.01·√2, two pairs: half width = t(1) · 0.01.
  CHECK(difference.at("accuracy").at("interval")[1].get<double>() == doctest::Approx(0.02 + 12.7062047 * 0.01));
}

TEST_CASE("errors, likelihood and bytes have means, intervals and differences of their own") {
  ordered_json runs;
  const double nll[] = {0.5, 0.7, 0.2, 0.6};
  for (int i = 0; i < 4; ++i) {
    ordered_json one = run(i < 2 ? "a" : "b", i % 2, 0.9, 0.8);
    one["results"]["integer"]["errors"] = 10 * (i + 1);
    one["results"]["integer"]["nll"] = nll[i];
    one["bytes"]["program"] = 100 + 2 * i;
    runs.push_back(one);
  }
  runs[3]["results"]["integer"]["nll"] = nullptr;  // as a number that is not finite is written
  const ordered_json statistics = study_statistics({{"pair_by", "seed"}, {"runs", runs}});
  const ordered_json& a = statistics.at("cells")[0];
  CHECK(a.at("errors").at("integer").at("mean").get<double>() == doctest::Approx(15));
  CHECK(a.at("nll").at("integer").at("mean").get<double>() == doctest::Approx(0.6));
  CHECK(a.at("bytes").at("program").at("mean").get<double>() == doctest::Approx(101));
  // 0.5 and 0.7: deviation 0.1·√2, half width t(1) · 0.1.
  CHECK(a.at("nll").at("integer").at("interval")[1].get<double>() == doctest::Approx(0.6 + 12.7062047 * 0.1));
  CHECK(statistics.at("cells")[1].at("nll").at("integer").at("interval").is_null());
  const ordered_json& difference = statistics.at("differences")[0];
  CHECK(difference.at("errors").at("mean").get<double>() == doctest::Approx(20));
  CHECK(difference.at("nll").at("n") == 1);
  CHECK(difference.at("nll").at("mean").get<double>() == doctest::Approx(-0.3));
  CHECK(difference.at("nll").at("interval").is_null());
}

TEST_CASE("four values are compared each with each, five with the first alone") {
  for (const int values : {4, 5}) {
    ordered_json runs;
    for (int i = 0; i < values; ++i) runs.push_back(run(std::string(1, static_cast<char>('a' + i)), 1, 0.9, 0.1 * i));
    const ordered_json differences = study_statistics({{"pair_by", "seed"}, {"runs", runs}}).at("differences");
    CHECK(differences.size() == (values == 4 ? 6 : 4));
    if (values == 5) {
      for (const ordered_json& difference : differences) CHECK(difference.at("first") == "a");
    }
  }
}

TEST_CASE("the page of a study names its machine, its command and every interval") {
  ordered_json study{{"name", "s"},
                     {"vary", {{"seed", {1, 2}}}},
                     {"pair_by", "seed"},
                     {"runs", {run("a", 1, 0.9, 0.8), run("a", 2, 0.9, 0.9)}}};
  study["statistics"] = study_statistics(study);
  const std::string page = study_markdown(study, {{"processor", "a machine"}, {"revision", "abc"}}, "tempera run X");
  for (const char* part : {"a machine", "abc", "tempera run X", "| way = a | 2 | integer | 85.00 |"}) {
    CAPTURE(std::string(part));
    CHECK(page.find(part) != std::string::npos);
  }
}

TEST_CASE(
    "tables have floats as calibrated beside floats as trained where calibration changed weights, and only there") {
  ordered_json changed = run("a", 1, 0.7, 0.8);
  changed["results"]["before_calibration"]["accuracy"] = 0.9;
  const auto table = [](const ordered_json& runs) {
    return study_tables(study_statistics({{"pair_by", "seed"}, {"runs", runs}}));
  };
  const std::string both = table(ordered_json::array({changed, run("b", 1, 0.75, 0.6)})),
                    one = table(ordered_json::array({run("b", 1, 0.75, 0.6)}));
  CHECK(both.find("| floats, as trained % | floats, as calibrated % |") != std::string::npos);
  CHECK(both.find("| — | 90.00 | 70.00 |") != std::string::npos);
  CHECK(both.find("| — | 75.00 | — |") != std::string::npos);
  CHECK(one.find("as calibrated") == std::string::npos);
  CHECK(one.find("| — | 75.00 | +15.00") != std::string::npos);
}

}  // namespace
