// Oracles: closed forms, recurrences written out, and searches over the raw values instead of their counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/observer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

std::unique_ptr<Observer> observer(const std::string& json, ObserverFacts facts = {.site = "s"}) {
  const ObserverRegistry& registry = ObserverRegistry::builtin();
  std::unique_ptr<core::Configurable> config;
  core::read_json("{\"it\": " + json + "}", "test",
                  [&](core::FieldVisitor& v) { v.typed("it", registry, config, {.help = "it"}); });
  return registry.make(*config, facts);
}

std::vector<Scalar> normal(std::size_t n) {
  std::vector<Scalar> values(n);
  core::Random(7, "observers").fill_normal(values, 0, 1);
  return values;
}

TEST_CASE("a percentile leaves its share of evenly spread values outside, at both ends") {
  std::vector<Scalar> values(100000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Scalar>(static_cast<double>(i) / 50000 - 1);
  const auto it = observer(R"({"type": "percentile", "percentile": 90})");
  it->observe(0, values);
  CHECK(it->range(0).low == doctest::Approx(-0.9).epsilon(0.003));
  CHECK(it->range(0).high == doctest::Approx(0.9).epsilon(0.003));
  const auto positive = observer(R"({"type": "percentile", "percentile": 90})");
  for (Scalar& x : values) x += 1;
  positive->observe(0, values);
  CHECK(positive->range(0).low == 0);
  CHECK(positive->range(0).high == doctest::Approx(1.8).epsilon(0.003));
}

TEST_CASE("the range of least squared error is as good as the best of a thousand tried on the values themselves") {
  const std::vector<Scalar> values = normal(20000);
  for (const int bits : {2, 3, 4, 8}) {
    CAPTURE(bits);
    const ObserverFacts facts{.site = "s", .bits = bits};
    QParams params;
    set_range(params, bits, true, true);
    const auto error_of = [&](double scale) {
      double sum = 0;
      for (const Scalar x : values) {
        const double q = std::clamp<double>(std::nearbyint(static_cast<double>(x) / scale), params.qmin, params.qmax);
        sum += (q * scale - static_cast<double>(x)) * (q * scale - static_cast<double>(x));
      }
      return sum;
    };
    double least = HUGE_VAL;
    for (int i = 1; i <= 1000; ++i) least = std::min(least, error_of(i * 0.005 / params.qmax));
    for (const char* type : {R"("mse")", R"("least_squares")"}) {
      CAPTURE(std::string(type));
      const auto it = observer(type, facts);
      it->observe(0, values);
      const Range range = it->range(0);
      const double largest = std::max(-static_cast<double>(range.low), static_cast<double>(range.high));
      // Alternation ends in a minimum near where it starts, not always in the least one.
      CHECK(error_of(largest / params.qmax) < (type[1] == 'm' ? 1.02 : 1.06) * least);
    }
  }
}

TEST_CASE("values that lie on a grid of integers are given that grid") {
  std::vector<Scalar> values;
  for (int i = 0; i < 300; ++i) values.push_back(static_cast<Scalar>(0.3 * (i % 3 - 1)));
  const auto it = observer(R"("least_squares")", {.site = "s", .bits = 2});
  it->observe(0, values);
  CHECK(it->range(0).high == doctest::Approx(0.3).epsilon(0.002));
}

TEST_CASE("entropy cuts a distant outlier off at 8 bits, and keeps what is evenly spread") {
  std::vector<Scalar> values = normal(100000);
  values.push_back(40);
  const auto it = observer(R"("entropy")");
  it->observe(0, values);
  CHECK(it->range(0).high < 20);
  CHECK(it->range(0).high > 2);
}

TEST_CASE("counts do not depend on how the values came, however far the range had to grow") {
  const std::vector<Scalar> values = normal(3000);
  const auto together = observer(R"("mse")"), apart = observer(R"("mse")");
  std::vector<Scalar> sorted = values;
  std::ranges::sort(sorted, {}, [](Scalar x) { return std::abs(x); });  // the smallest reach first
  together->observe(0, values);
  for (const Scalar x : sorted) apart->observe(0, std::span(&x, 1));
  const auto one = together->buffers(), other = apart->buffers();
  CHECK(one[1].variable.value().item() == other[1].variable.value().item());  // reach
  double moved = 0;
  for (std::size_t i = 0; i < 2048; ++i) {
    moved += std::abs(static_cast<double>(one[0].variable.value().values()[i] - other[0].variable.value().values()[i]));
  }
  CHECK(moved == 0);
}

TEST_CASE("a moving average follows its recurrence, and deviations their definition over all batches") {
  const auto average = observer(R"({"type": "moving_average", "rate": 0.25})");
  average->observe(0, std::vector<Scalar>{-1, 3});
  average->observe(0, std::vector<Scalar>{-5, 7});
  CHECK(average->range(0).low == doctest::Approx(-2));
  CHECK(average->range(0).high == doctest::Approx(4));
  const auto sigma = observer(R"({"type": "standard_deviations", "n": 1})");
  sigma->observe(0, std::vector<Scalar>{1, 2});
  sigma->observe(0, std::vector<Scalar>{3, 4, 10});  // mean 4, Σ (x − 4)² = 50, σ = √10
  CHECK(sigma->range(0).low == doctest::Approx(1));  // 4 − √10 is below all values
  CHECK(sigma->range(0).high == doctest::Approx(4 + std::sqrt(10.0)));
}

TEST_CASE("every observer takes constants, zeros, single values and an outlier of 1e30, and names the site of NaN") {
  for (const std::string& type : ObserverRegistry::builtin().names()) {
    CAPTURE(type);
    for (const std::vector<Scalar>& values :
         {std::vector<Scalar>{0}, {0, 0, 0}, {2, 2}, {-3}, {1, 2, Scalar(1e30)}, {Scalar(1e-44), 0}}) {
      const auto it = observer("\"" + type + "\"");
      CHECK(!it->ready());
      it->observe(0, values);
      REQUIRE(it->ready());
      const Range range = it->range(0);
      CHECK(std::isfinite(range.low));
      CHECK(std::isfinite(range.high));
      CHECK(range.low <= range.high);
      it->reset();
      CHECK(!it->ready());
    }
    const auto it = observer("\"" + type + "\"");
    const std::vector<Scalar> bad{1, static_cast<Scalar>(std::nan(""))};
    CHECK_THROWS_WITH_AS(it->observe(0, bad), doctest::Contains("s"), core::NumericError);
  }
}

}  // namespace
