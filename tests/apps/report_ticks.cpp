#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tempera/apps/report/chart/ticks.hpp"

using namespace tempera::cli::report;

namespace {

using Labels = std::vector<std::string>;

void check_near(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}

}  // namespace

TEST_CASE("linear ticks are the multiples of the smallest of 1, 2, 5 times a power of ten that gives few enough") {
  check_near(ticks({0, 1}, ScaleKind::linear, 5), {0, 0.2, 0.4, 0.6, 0.8, 1});
  check_near(ticks({0, 10}, ScaleKind::linear, 2), {0, 5, 10});
  check_near(ticks({-3, 7}, ScaleKind::linear, 5), {-2, 0, 2, 4, 6});
  check_near(ticks({0.93, 0.991}, ScaleKind::linear, 4), {0.94, 0.96, 0.98});
  check_near(ticks({1e6, 3e6}, ScaleKind::linear, 4), {1e6, 1.5e6, 2e6, 2.5e6, 3e6});
}

TEST_CASE("logarithmic ticks are powers of ten over two decades and more, with 2 and 5 below that") {
  check_near(ticks({1, 50}, ScaleKind::log, 5), {1, 2, 5, 10, 20, 50});
  check_near(ticks({1, 10000}, ScaleKind::log, 5), {1, 10, 100, 1000, 10000});
  check_near(ticks({1e-12, 1}, ScaleKind::log, 6), {1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1});
}

TEST_CASE("a nice range holds its data and ends on ticks") {
  const Range linear = nice_range({0.13, 0.87}, ScaleKind::linear, 5);
  CHECK(linear.low == doctest::Approx(0.0));
  CHECK(linear.high == doctest::Approx(1.0));
  const Range exact = nice_range({0, 5}, ScaleKind::linear, 5);
  CHECK(exact.low == 0);
  CHECK(exact.high == 5);
  const Range log = nice_range({3, 70}, ScaleKind::log, 5);
  CHECK(log.low == doctest::Approx(2));
  CHECK(log.high == doctest::Approx(100));
}

TEST_CASE("a range leaves out what is not finite, and what a logarithm has no place for") {
  const double inf = std::numeric_limits<double>::infinity();
  const Range range = range_of({std::nan(""), 2, inf, -1, -inf}, ScaleKind::linear);
  CHECK(range.low == -1);
  CHECK(range.high == 2);
  const Range log = range_of({0, -5, 0.01, 3}, ScaleKind::log);
  CHECK(log.low == 0.01);
  CHECK(log.high == 3);
}

TEST_CASE("every range is wider than nothing and has a bounded number of ticks, whatever the data") {
  const double big = std::numeric_limits<double>::max();
  const double tiny = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> all{{},          {0},    {7},         {-7, -7},       {std::nan("")},  {big},
                                             {-big, big}, {tiny}, {tiny, big}, {1, 1 + 1e-15}, {1e15, 1e15 + 1}};
  for (const auto& values : all) {
    for (const ScaleKind kind : {ScaleKind::linear, ScaleKind::log}) {
      const Range range = nice_range(range_of(values, kind), kind, 5);
      CAPTURE(range.low);
      CAPTURE(range.high);
      CHECK(range.low < range.high);
      if (kind == ScaleKind::log) CHECK(range.low > 0);
      CHECK(ticks(range, kind, 5).size() <= 8);
    }
  }
}

TEST_CASE("labels have the decimals their step needs and no more") {
  CHECK(tick_labels({0, 0.2, 0.4}, ScaleKind::linear, TickFormat::plain) == Labels{"0.0", "0.2", "0.4"});
  CHECK(tick_labels({0, 5, 10}, ScaleKind::linear, TickFormat::plain) == Labels{"0", "5", "10"});
  CHECK(tick_labels({0.975, 0.98}, ScaleKind::linear, TickFormat::percent) == Labels{"97.5%", "98.0%"});
  CHECK(tick_labels({1e-6, 0.01, 1, 1e4}, ScaleKind::log, TickFormat::plain) == Labels{"10⁻⁶", "0.01", "1", "10⁴"});
}
