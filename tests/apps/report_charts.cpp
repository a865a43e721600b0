#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "report/svg_reading.hpp"
#include "tempera/apps/report/chart/bar_chart.hpp"
#include "tempera/apps/report/chart/dot_chart.hpp"
#include "tempera/apps/report/chart/heat_map.hpp"
#include "tempera/apps/report/chart/line_chart.hpp"
#include "tempera/apps/report/palette.hpp"

using namespace tempera::cli::report;
using tempera::test::attribute;
using tempera::test::count;
using tempera::test::Frame;
using tempera::test::frame_of;
using tempera::test::plot_frame;
using tempera::test::points_of;
using tempera::test::tags_with;

namespace {

constexpr double kPixel = 0.02;  // coordinates are written with two decimals
const double kNan = std::nan("");

LineChart line_chart(ScaleKind kind, std::vector<double> xs, std::vector<double> ys) {
  LineChart chart{.sheet = {.id = "test", .title = "t"}};
  chart.x = {.kind = kind, .tight = true};
  chart.y = {.kind = kind};
  chart.series.push_back({.name = "one", .x = std::move(xs), .y = std::move(ys)});
  return chart;
}

}  // namespace

TEST_CASE("a point of a line stands where its share of the axis puts it, y upwards") {
  LineChart chart = line_chart(ScaleKind::linear, {0, 4, 10}, {0, 0.25, 1});
  chart.y.min = 0;
  chart.y.max = 1;
  const std::string svg = draw(chart);
  const Frame frame = plot_frame(svg);
  const auto points = points_of(tags_with(svg, "<polyline").at(0));
  REQUIRE(points.size() == 3);
  const std::vector<std::pair<double, double>> shares{{0, 0}, {0.4, 0.25}, {1, 1}};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(points[i].first == doctest::Approx(frame.x + shares[i].first * frame.width).epsilon(kPixel / frame.width));
    CHECK(points[i].second ==
          doctest::Approx(frame.y + (1 - shares[i].second) * frame.height).epsilon(kPixel / frame.height));
  }
}

TEST_CASE("on a logarithmic axis equal ratios are equal distances") {
  const std::string svg = draw(line_chart(ScaleKind::log, {1, 10, 100}, {0.01, 0.1, 1}));
  const auto points = points_of(tags_with(svg, "<polyline").at(0));
  REQUIRE(points.size() == 3);
  CHECK(points[1].first - points[0].first == doctest::Approx(points[2].first - points[1].first).epsilon(1e-3));
  CHECK(points[0].second - points[1].second == doctest::Approx(points[1].second - points[2].second).epsilon(1e-3));
}

TEST_CASE("a line breaks where a value is missing and shows the lonely point between two gaps") {
  const std::string svg = draw(line_chart(ScaleKind::linear, {1, 2, 3, 4, 5, 6, 7}, {1, 2, kNan, 4, kNan, 6, 7}));
  CHECK(tags_with(svg, "<polyline").size() == 2);
  CHECK(tags_with(svg, "<circle").size() == 1);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("a band has twice as many corners as there are points, its upper edge above its lower") {
  LineChart chart = line_chart(ScaleKind::linear, {0, 1, 2}, {1, 1, 1});
  chart.series[0].low = {0.5, 0.5, 0.5};
  chart.series[0].high = {1.5, 2, 1.5};
  auto corners = points_of(tags_with(draw(chart), "<polygon").at(0));
  REQUIRE(corners.size() == 6);
  CHECK(corners[0].second < corners[5].second);
  CHECK(corners[1].second < corners[4].second);
  CHECK(corners[0].first == corners[5].first);
}

TEST_CASE("a value outside of an axis is drawn at its edge") {
  LineChart chart = line_chart(ScaleKind::linear, {0, 1}, {-5, 5});
  chart.y.min = 0;
  chart.y.max = 1;
  const std::string svg = draw(chart);
  const Frame frame = plot_frame(svg);
  const auto points = points_of(tags_with(svg, "<polyline").at(0));
  CHECK(points[0].second == doctest::Approx(frame.y + frame.height).epsilon(1e-3));
  CHECK(points[1].second == doctest::Approx(frame.y).epsilon(1e-3));
}

TEST_CASE("names written on lines stand on them, one for each line") {
  LineChart chart = line_chart(ScaleKind::linear, {0, 10}, {0.2, 0.2});
  chart.y = {.min = 0.0, .max = 1.0};
  chart.series.push_back({.name = "two", .x = {0, 10}, .y = {0.8, 0.8}});
  chart.name_lines = true;
  const std::string svg = draw(chart);
  const Frame frame = plot_frame(svg);
  const auto names = tags_with(svg, "class=\"name");
  REQUIRE(names.size() == 2);
  CHECK(std::abs(attribute(names[0], "y") - (frame.y + 0.8 * frame.height)) < 6);
  CHECK(std::abs(attribute(names[1], "y") - (frame.y + 0.2 * frame.height)) < 6);
}

TEST_CASE("the height of a bar is its share of the axis, and grouped bars stand side by side") {
  BarChart chart{.sheet = {.id = "bars"}, .categories = {"a", "b"}};
  chart.y = {.min = 0.0, .max = 2.0};
  chart.series = {{"one", {1, 2}, 0}, {"two", {0.5, kNan}, 1}};
  const std::string svg = draw(chart);
  const Frame plot = plot_frame(svg);
  const auto first = tags_with(svg, "<rect class=\"f0\" ");
  const auto second = tags_with(svg, "<rect class=\"f1\" ");
  // One of each is the legend's swatch; the missing value has no bar.
  REQUIRE(first.size() == 3);
  REQUIRE(second.size() == 2);
  CHECK(attribute(first[1], "height") == doctest::Approx(plot.height / 2).epsilon(1e-3));
  CHECK(attribute(first[2], "height") == doctest::Approx(plot.height).epsilon(1e-3));
  CHECK(attribute(second[1], "height") == doctest::Approx(plot.height / 4).epsilon(1e-3));
  CHECK(attribute(second[1], "x") ==
        doctest::Approx(attribute(first[1], "x") + attribute(first[1], "width")).epsilon(1e-3));
}

TEST_CASE("stacked bars stand on each other and reach their sum") {
  BarChart chart{.sheet = {.id = "bars"}, .categories = {"a"}};
  chart.mode = BarMode::stacked;
  chart.y = {.min = 0.0, .max = 4.0};
  chart.series = {{"one", {1}, 0}, {"two", {3}, 1}};
  const std::string svg = draw(chart);
  const Frame plot = plot_frame(svg);
  const Frame low = frame_of(tags_with(svg, "<rect class=\"f0\" ").at(1));
  const Frame high = frame_of(tags_with(svg, "<rect class=\"f1\" ").at(1));
  CHECK(high.y + high.height == doctest::Approx(low.y).epsilon(1e-3));
  CHECK(high.y == doctest::Approx(plot.y).epsilon(1e-3));
  CHECK(low.height * 3 == doctest::Approx(high.height).epsilon(1e-3));
}

TEST_CASE("the bars of a histogram are as wide as their bins") {
  Histogram chart{.sheet = {.id = "h"}, .edges = {0, 1, 4}, .counts = {2, 8}};
  const auto bars = tags_with(draw(chart), "class=\"f0 cell\"");
  REQUIRE(bars.size() == 2);
  CHECK(attribute(bars[1], "width") == doctest::Approx(3 * attribute(bars[0], "width")).epsilon(1e-3));
  CHECK(attribute(bars[1], "height") == doctest::Approx(4 * attribute(bars[0], "height")).epsilon(1e-3));
}

TEST_CASE("a heat map's largest value off the diagonal takes the last level, its zero the first, the diagonal none") {
  HeatMap chart;
  chart.sheet.id = "map";
  chart.rows = chart.columns = {"0", "1"};
  chart.values = {{900, 4}, {0, 800}};
  chart.diagonal_apart = true;
  const std::string svg = draw(chart);
  CHECK(tags_with(svg, "class=\"cell apart\"").size() == 2);
  CHECK(tags_with(svg, "class=\"cell h" + std::to_string(kHeatLevels - 1) + "\"").size() == 1);
  CHECK(tags_with(svg, "class=\"cell h0\"").size() == 1);
  chart.diagonal_apart = false;
  CHECK(tags_with(draw(chart), "class=\"cell h" + std::to_string(kHeatLevels - 1) + "\"").size() == 1);
}

TEST_CASE("a heat map's scale starts at zero, or at its smallest value where that is asked for") {
  HeatMap chart;
  chart.sheet.id = "map";
  chart.rows = {"0"};
  chart.columns = {"a", "b"};
  chart.values = {{50, 100}};
  CHECK(tags_with(draw(chart), "class=\"cell h" + std::to_string(heat_level(0.5)) + "\"").size() == 1);
  chart.from_smallest = true;
  CHECK(tags_with(draw(chart), "class=\"cell h0\"").size() == 1);
}

TEST_CASE("every measurement of a dot chart is a dot between the ends of its interval") {
  DotChart chart{.sheet = {.id = "dots", .height = 0}};
  chart.groups = {{"a", {1, 2, 3}, 2, 0.5, 3.5, 0}, {"b", {kNan, 5}, kNan, kNan, kNan, 1}};
  const std::string svg = draw(chart);
  const auto dots = tags_with(svg, "<circle");
  REQUIRE(dots.size() == 4);
  CHECK(attribute(dots[0], "cx") < attribute(dots[1], "cx"));
  CHECK(attribute(dots[2], "cy") < attribute(dots[3], "cy"));  // the first group is the upper one
  CHECK(tags_with(svg, "class=\"mean\"").size() == 1);
}

TEST_CASE("a chart without values says so") {
  CHECK(count(draw(line_chart(ScaleKind::linear, {}, {})), "no values recorded") == 1);
  CHECK(count(draw(line_chart(ScaleKind::log, {1, 2}, {kNan, kNan})), "no values recorded") == 1);
  CHECK(count(draw(Histogram{}), "no values recorded") == 1);
  CHECK(count(draw(BarChart{}), "no values recorded") == 1);
  CHECK(count(draw(Scatter{}), "no values recorded") == 1);
  CHECK(count(draw(DotChart{}), "no values recorded") == 1);
  CHECK(count(draw(HeatMap{}), "<svg") == 1);
}

// Oracle: t(1) = 12.7, so that two accuracies 0.06 apart have an interval of 0.88 ± 0.38.
TEST_CASE("an axis of shares follows the dots, and an interval that goes on beyond it ends in an arrow") {
  DotChart chart{.sheet = {.id = "dots", .height = 0}};
  chart.x.format = TickFormat::percent;
  chart.groups = {{.name = "a", .values = {0.85, 0.91}, .mean = 0.88, .low = 0.50, .high = 1.26}};
  CHECK(count(draw(chart), "line cut") == 0);
  chart.limits = Range{.low = 0, .high = 1};
  const std::string svg = draw(chart);
  CHECK(count(svg, "line cut") == 2);
  for (const char* outside : {">50%<", ">60%<", ">105%<", ">110%<", ">120%<"}) CHECK(count(svg, outside) == 0);
  CHECK(count(svg, ">90%<") == 1);
  chart.groups[0].low = 0.86;  // within
  CHECK(count(draw(chart), "line cut") == 1);
}

TEST_CASE("an axis has room for one span of the dots on either side, and none beyond the limits") {
  const Range room = room_around({0.5, kNan, 0.6}, {0, 1});
  CHECK(room.low == doctest::Approx(0.4));
  CHECK(room.high == doctest::Approx(0.7));
  CHECK(room_around({0.2, 0.9}, {0, 1}).high == 1);
  CHECK(room_around({0.2, 0.9}, {0, 1}).low == 0);
  for (const std::vector<double>& dots : {std::vector<double>{0.5, 0.5}, std::vector<double>{}}) {
    CHECK(room_around(dots, {-1, 1}).low == -1);
    CHECK(room_around(dots, {-1, 1}).high == 1);
  }
}
