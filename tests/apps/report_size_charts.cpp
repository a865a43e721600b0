// Accuracy against bits and bytes. Oracles: groups, means and places worked out by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/svg_reading.hpp"
#include "tempera/apps/experiment/study_statistics.hpp"
#include "tempera/apps/report/size_charts.hpp"

using namespace tempera::cli;
using namespace tempera::cli::report;
using nlohmann::ordered_json;
using tempera::test::tags_with;

namespace {

ordered_json run(const ordered_json& settings, int seed, double bits, double bytes, double floats, double integers) {
  ordered_json overrides = settings;
  overrides["seed"] = seed;
  return {{"folder", "f"},
          {"overrides", overrides},
          {"status", "completed"},
          {"results", {{"float", {{"accuracy", floats}}}, {"integer", {{"accuracy", integers}}}}},
          {"bytes", {{"float32", 4000}, {"stored", bytes}, {"program", bytes}}},
          {"bits", {{"weights", bits}, {"activations", bits}}}};
}

ordered_json cells_of(const ordered_json& runs) {
  return study_statistics({{"pair_by", "seed"}, {"runs", runs}}).at("cells");
}

// Calibrated networks have the weights of one training; those that are trained with their bits have their own.
ordered_json ptq_and_qat() {
  ordered_json runs;
  for (const int bits : {8, 2, 4}) {
    for (const char* way : {"PTQ", "QAT"}) {
      for (const int seed : {1, 2}) {
        const double lost = way[0] == 'P' ? 0.8 / bits / bits : 0.1 / bits;
        const double floats = way[0] == 'P' ? 0.95 + 0.01 * seed : 0.95 + 0.001 * bits + 0.01 * seed;
        runs.push_back(run({{"bits", std::to_string(bits)}, {"way", way}}, seed, bits, 1000.0 * bits / 8, floats,
                           0.95 + 0.01 * seed - lost));
      }
    }
  }
  return runs;
}

}  // namespace

TEST_CASE("names that tell their bits are one by what is left of them, others stay as they are") {
  CHECK(without_bits("LSQ, 4 bits", 4) == "LSQ");
  CHECK(without_bits("4 bits, smoothed sigmoid", 4.05) == "smoothed sigmoid");
  CHECK(without_bits("LSQ, 4 bits, slow", 4) == "LSQ, slow");
  CHECK(without_bits("8-bit PTQ", 8) == "PTQ");
  CHECK(without_bits("4", 4).empty());
  CHECK(without_bits("4 bits", 4).empty());
  CHECK(without_bits("LSQ, 4 bits", 3) == "LSQ, 4 bits");
  CHECK(without_bits("float", 32) == "float");
  CHECK(without_bits("3 bitsy", 3) == "3 bitsy");
}

TEST_CASE("the path that bits hang on is found by the bits, whatever it is called, and the others name the lines") {
  ordered_json runs = ptq_and_qat();
  for (ordered_json& one : runs) {
    ordered_json renamed = ordered_json::object();
    for (const auto& [path, value] : one.at("overrides").items()) renamed[path == "bits" ? "zebra" : path] = value;
    one["overrides"] = renamed;
  }
  for (const ordered_json& some : {ptq_and_qat(), runs}) {
    const std::vector<Trend> trends = size_trends(cells_of(some), Size::kBits);
    REQUIRE(trends.size() == 3);
    CHECK(trends[0].name == "way PTQ");
    CHECK(trends[1].name == "way QAT");
    CHECK(trends[2].name == "way PTQ, floats, as trained");
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(trends[i].joined);
      REQUIRE(trends[i].points.size() == 3);
      for (std::size_t k = 0; k < 3; ++k) {
        const double bits = std::pow(2, static_cast<double>(k) + 1);
        const TrendPoint& point = trends[i].points[k];
        CHECK(point.x == bits);
        CHECK(point.mean == doctest::Approx(0.965 - (i == 0 ? 0.8 / bits / bits : 0.1 / bits)));
        // Two runs, 0.01 apart: half width = t(1) · 0.005.
        CHECK(point.high - point.mean == doctest::Approx(12.7062047 * 0.005));
        CHECK(point.runs.size() == 2);
      }
    }
    REQUIRE(trends[2].points.size() == 1);
    CHECK(trends[2].points[0].x == 32);
    CHECK(trends[2].points[0].mean == doctest::Approx(0.965));
    CHECK(size_trends(cells_of(some), Size::kBytes)[2].points[0].x == 4000);
  }
}

TEST_CASE("labels of one path are lines by what they say besides bits; equal bits of one line are not joined") {
  ordered_json runs;
  const auto add = [&runs](const char* way, double bits, double bytes) {
    for (const int seed : {1, 2}) runs.push_back(run({{"way", way}}, seed, bits, bytes, 0.99 + 0.0001 * bytes, 0.98));
  };
  add("8 bits, calibrated", 8, 8.0);
  add("4 bits, trained", 4.05, 4.0);
  add("2 bits, trained", 2.08, 2.0);
  add("4 bits, smoothed", 4.05, 4.1);
  const std::vector<Trend> trends = size_trends(cells_of(runs), Size::kBits);
  REQUIRE(trends.size() == 3);
  CHECK(trends[0].name == "way calibrated");
  CHECK(trends[1].name == "way trained");
  REQUIRE(trends[1].points.size() == 2);
  CHECK(trends[1].points[0].x == doctest::Approx(2.08));
  CHECK(trends[2].name == "way smoothed");

  ordered_json equal;
  for (const char* layout : {"wide", "deep"}) equal.push_back(run({{"layout", layout}}, 1, 4, 100, 0.9, 0.8));
  equal.push_back(run({{"layout", "x"}, {"bits", 2}}, 1, 2, 50, 0.9, 0.7));
  for (const Trend& trend : size_trends(cells_of(equal), Size::kBits)) {
    CHECK((trend.points.size() < 2 || !trend.joined || trend.points[0].x != trend.points[1].x));
  }
}

TEST_CASE("runs of files without bits are left out, and a study without any has no charts") {
  ordered_json runs = ptq_and_qat();
  for (ordered_json& one : runs) one.erase("bits");
  CHECK(size_charts(cells_of(runs)).empty());
  CHECK(size_charts(ordered_json::array()).empty());
}

TEST_CASE("every run is a dot, every mean a mark with a whisker; bytes stand where their logarithm puts them") {
  ordered_json runs = ptq_and_qat();
  const std::string markup = size_charts(cells_of(runs));
  const std::size_t bytes_at = markup.find("study-bytes");
  REQUIRE(bytes_at != std::string::npos);
  for (const std::string& chart : {markup.substr(0, bytes_at), markup.substr(bytes_at)}) {
    CHECK(tags_with(chart, "class=\"run ").size() == 12 + 2);
    CHECK(tags_with(chart, "class=\"line whisker").size() == 6 + 1);
  }
  CHECK(count(markup, "floats, as trained") > 0);
  // 250, 500 and 1000 bytes: equal ratios, equal distances.
  const std::string line = tags_with(markup.substr(bytes_at), "class=\"line l0\"").at(1);  // 0 is the legend's
  const std::string path = tempera::test::text_attribute(line, "d");
  std::vector<double> xs;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == 'M' || path[at] == 'L') xs.push_back(std::strtod(path.c_str() + at + 1, nullptr));
  }
  REQUIRE(xs.size() == 3);
  CHECK(xs[1] - xs[0] > 10);
  CHECK(xs[2] - xs[1] == doctest::Approx(xs[1] - xs[0]).epsilon(0.002));
  CHECK(markup.find("nan") == std::string::npos);
}
