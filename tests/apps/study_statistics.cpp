// Oracles: closed forms of Student's t for 1 and 2 degrees of freedom (Cauchy; t = (2p−1)·√(2/(1−(2p−1)²))), tables, and
// means worked out by hand.
#include "tempera/apps/experiment/study_statistics.hpp"
#include "tempera/apps/experiment/study_markdown.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>

#include "tempera/apps/report/study_page.hpp"

namespace {

using namespace tempera::cli;
using nlohmann::json;
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

// A run of the study's four cells: what it has in floats and what is left of it in integers, in points.
ordered_json crossed(const char* way, const char* network, int seed, double floats, double integers) {
  ordered_json one = run(way, seed, floats / 100, integers / 100);
  one["overrides"] = {{"way", way}, {"network", network}, {"seed", seed}};
  return one;
}

ordered_json crossed_study() {
  ordered_json study{{"name", "s"},
                     {"vary", {{"way", {"PTQ", "QAT"}}, {"network", {"small", "large"}}, {"seed", {1, 2}}}},
                     {"pair_by", "seed"},
                     {"runs",
                      {crossed("PTQ", "small", 1, 90, 60), crossed("PTQ", "small", 2, 92, 66),     // 30 and 26 are lost
                       crossed("PTQ", "large", 1, 95, 85), crossed("PTQ", "large", 2, 97, 89),     // 10 and 8
                       crossed("QAT", "small", 1, 91, 88), crossed("QAT", "small", 2, 90, 88),     // 3 and 2
                       crossed("QAT", "large", 1, 94, 94), crossed("QAT", "large", 2, 96, 97)}}};  // 0 and −1
  study["statistics"] = study_statistics(study);
  return study;
}

// By hand, second − first of what was lost by seeds 1 and 2; half the width is t(1) · |one − other| / 2.
TEST_CASE("what is lost to floats is compared within the pairs: the interaction of a path with the arithmetic") {
  struct Row {
    const char *path, *all_else;
    double one, other;
  };
  const ordered_json differences = crossed_study().at("statistics").at("differences");
  const std::vector<Row> rows{{"way", "small", 3 - 30, 2 - 26},
                              {"way", "large", 0 - 10, -1 - 8},
                              {"network", "PTQ", 10 - 30, 8 - 26},
                              {"network", "QAT", 0 - 3, -1 - 2}};
  REQUIRE(differences.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {  // by path, in the order of the paths
    CAPTURE(i);
    CHECK(differences[i].at("path") == rows[i].path);
    CHECK(differences[i].at("settings").begin().value() == rows[i].all_else);
    const ordered_json& lost = differences[i].at("lost_to_float");
    const double mean = (rows[i].one + rows[i].other) / 2;
    const double half = std::tan(std::numbers::pi * 0.475) * std::abs(rows[i].one - rows[i].other) / 2;
    CHECK(lost.at("n") == 2);
    CHECK(100 * lost.at("mean").get<double>() == doctest::Approx(mean));
    CHECK(100 * lost.at("interval")[0].get<double>() == doctest::Approx(mean - half));
    CHECK(100 * lost.at("interval")[1].get<double>() == doctest::Approx(mean + half));
  }
}

TEST_CASE("tables and page have the differences of what was lost, and only where something can be lost") {
  ordered_json study = crossed_study();
  const std::string lost = "lost to float, second − first |";
  const std::string tables = study_tables(study.at("statistics"));
  CHECK(tables.find(lost) != std::string::npos);
  // Accuracies 85 − 60 and 89 − 66: 24 ± 12.71; lost 10 − 30 and 8 − 26: −19 ± 12.71.
  CHECK(
      tables.find("| network | small | large | way = PTQ | 2 | +24.00 | +11.29 … +36.71 | -19.00 (-31.71 … -6.29) |") !=
      std::string::npos);
  const std::string page = report::render_study(study, json::object());
  CHECK(page.find("Paired differences of what was lost to float, by network") != std::string::npos);

  for (ordered_json& one : study["runs"]) one["results"]["float"]["accuracy"] = 0.9;
  study["statistics"] = study_statistics(study);
  CHECK(study_tables(study.at("statistics")).find(lost) != std::string::npos);
  CHECK(report::render_study(study, json::object()).find("of what was lost") ==
        std::string::npos);  // accuracy's mirror image

  for (ordered_json& one : study["runs"]) one["results"].erase("integer");
  study["statistics"] = study_statistics(study);
  CHECK(study.at("statistics").at("differences").size() == 4);
  CHECK_FALSE(study.at("statistics").at("differences")[0].contains("lost_to_float"));
  CHECK(study_tables(study.at("statistics")).find(lost) == std::string::npos);
  CHECK(report::render_study(study, json::object()).find("lost to float") == std::string::npos);
}

TEST_CASE("a pair of which only one run lost something to floats is no pair for what was lost") {
  ordered_json runs = crossed_study().at("runs");
  runs[4]["results"].erase("integer");  // QAT, small, seed 1
  const ordered_json differences = study_statistics({{"pair_by", "seed"}, {"runs", runs}}).at("differences");
  CHECK(differences[0].at("path") == "way");
  CHECK(differences[0].at("accuracy").at("n") == 2);
  CHECK(differences[0].at("lost_to_float").at("n") == 1);
  CHECK(differences[0].at("lost_to_float").at("mean").get<double>() == doctest::Approx(-0.24));
  CHECK(differences[0].at("lost_to_float").at("interval").is_null());
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

// A study of two ways, the second of which trains rounded; integers lose nothing in the first.
ordered_json rounded_study() {
  ordered_json rounded = run("b", 1, 0.5, 0.625);
  rounded["rounded"] = true;
  rounded["data"] = {{"used", "digits"}, {"train", 100}, {"validation", 10}, {"test", 20}};
  ordered_json study{
      {"name", "s"},       {"vary", {{"way", {"a", "b"}}, {"seed", {1}}}},
      {"pair_by", "seed"}, {"command", "tempera run X"},
      {"out", "here"},     {"runs", {run("a", 1, 0.75, 0.75), rounded, run("b", 2, 0.5, 0.5, "waiting")}}};
  study["statistics"] = study_statistics(study);
  return study;
}

TEST_CASE("weights that were trained rounded are not said to be floats as trained") {
  ordered_json study = rounded_study();
  const std::string mixed = study_markdown(study, json::object(), "c");
  CHECK(mixed.find("| floats % | lost by rounding, points |") != std::string::npos);
  CHECK(mixed.find("nothing was trained in floats to the end") != std::string::npos);
  CHECK(mixed.find("as trained %") == std::string::npos);
  study["runs"].erase(0);
  study["statistics"] = study_statistics(study);
  const std::string alone = study_markdown(study, json::object(), "c");
  CHECK(alone.find("| floats, rounding off % | lost by rounding, points |") != std::string::npos);
  CHECK(alone.find("floats, as trained") == std::string::npos);
}

TEST_CASE(
    "the page of a study tells its data, its progress, what made it and its means, and the tables tell the data") {
  const ordered_json study = rounded_study();
  const json machine{{"processor", "a machine"}, {"revision", "abc"}};
  const std::string page = report::render_study(study, machine);
  for (const char* part :
       {"2 of 3 runs completed", "digits: 100 training, 10 validation and 20 test images", "a machine", "abc",
        "tempera run X --out here", "The numbers: means over runs", "75.00\u202F%"}) {
    CAPTURE(std::string(part));
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(study_markdown(study, machine, "c").find("- data: digits: 100 training") != std::string::npos);
}

TEST_CASE("what rounds to nothing has no sign in tables") {
  ordered_json study{{"pair_by", "seed"}, {"runs", {run("a", 1, 0.75, 0.750001), run("b", 1, 0.75, 0.75)}}};
  const std::string tables = study_tables(study_statistics(study));
  CHECK(tables.find("+0.00") != std::string::npos);
  CHECK(tables.find("-0.00") == std::string::npos);
}

}  // namespace
