// Oracles: closed forms, recurrences written out, and searches over the raw values instead of their counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
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

constexpr std::int64_t kBins = 2048, kMiddle = kBins / 2;

// How many of `values` lie in each of 2048 equal parts of [−reach, reach), by comparing with their edges.
std::vector<std::int64_t> counted(const std::vector<Scalar>& values, double reach) {
  std::vector<double> edges;
  for (std::int64_t i = 0; i <= kBins; ++i) edges.push_back(reach * static_cast<double>(i - kMiddle) / kMiddle);
  std::vector<std::int64_t> counts(kBins, 0);
  for (const Scalar x : values) {
    const auto above = std::ranges::upper_bound(edges, static_cast<double>(x));
    ++counts[static_cast<std::size_t>(above - edges.begin() - 1)];
  }
  return counts;
}

// KL(P ‖ Q) of Migacz 2017 for a symmetric grid that ends at `end`, in the words of the definition: bins that hold values go
// to the nearest level; what lies outside counts with the occupied bins of the last level, or, where that has none, as
// against a trace of a count; Q has the mean of each level's bins, of what lies inside.
double divergence(const std::vector<std::int64_t>& counts, double reach, double end, int bits) {
  struct Level {
    std::vector<double> inside;
    double outside = 0;
  };
  std::map<int, Level> levels;
  const int top = (1 << (bits - 1)) - 1;
  double all = 0, kept = 0;
  for (std::int64_t i = 0; i < kBins; ++i) {
    const auto count = static_cast<double>(counts[static_cast<std::size_t>(i)]);
    if (count == 0) continue;
    const double centre = (static_cast<double>(i - kMiddle) + 0.5) * 2 * reach / kBins;
    Level& level = levels[std::clamp(static_cast<int>(std::nearbyint(centre / (end / top))), -top, top)];
    all += count;
    if (std::abs(centre) > end) {
      level.outside += count;
    } else {
      level.inside.push_back(count);
      kept += count;
    }
  }
  double sum = 0;
  for (const auto& [q, level] : levels) {
    if (level.inside.empty()) sum += level.outside / all * std::log(level.outside / 1e-4);
    const auto bins = static_cast<double>(level.inside.size());
    double mass = 0;
    for (const double count : level.inside) mass += count;
    for (const double count : level.inside) {
      const double p = (count + level.outside / bins) / all;
      sum += p * std::log(p / (mass / bins / kept));
    }
  }
  return sum;
}

TEST_CASE(
    "entropy chooses the end of least divergence: it cuts a distant outlier off and keeps what is evenly spread") {
  std::vector<Scalar> outlier = normal(100000), even(100000), tails = normal(100000);
  outlier.push_back(40);
  for (std::size_t i = 0; i < even.size(); ++i) even[i] = static_cast<Scalar>(static_cast<double>(i) / 50000 - 1);
  for (Scalar& x : tails) x = x * x * x;
  for (const std::vector<Scalar>* values : {&outlier, &even, &tails}) {
    const auto [low, high] = std::ranges::minmax(*values);
    const double largest = std::max(-static_cast<double>(low), static_cast<double>(high));
    const double reach = std::exp2(std::floor(std::log2(largest)) + 1);
    const std::vector<std::int64_t> counts = counted(*values, reach);
    for (const int bits : {2, 4, 8}) {
      CAPTURE(largest);
      CAPTURE(bits);
      const auto it = observer(R"("entropy")", {.site = "s", .bits = bits});
      it->observe(0, *values);
      double least = HUGE_VAL, best = 0;
      for (int percent = 100; percent >= 10; percent -= 2) {
        const double end = percent / 100.0 * largest, now = divergence(counts, reach, end, bits);
        if (now < least) {
          least = now;
          best = end;
        }
      }
      CHECK(it->range(0).high == doctest::Approx(std::min(best, static_cast<double>(high))).epsilon(1e-6));
      if (values == &outlier) CHECK(it->range(0).high < 20);
      if (values == &even) CHECK(it->range(0).high > 0.9F);
    }
  }
}

// What an observer keeps for a resumed run: counts, their carries in units of 2^24, reach, low, high.
std::vector<std::int64_t> kept(const Observer& observer) {
  const std::vector<nn::Buffer> buffers = observer.buffers();
  std::vector<std::int64_t> counts;
  for (std::size_t i = 0; i < kBins; ++i) {
    counts.push_back(static_cast<std::int64_t>(buffers[0].variable.value().values()[i]) +
                     (static_cast<std::int64_t>(buffers[1].variable.value().values()[i]) << 24));
  }
  return counts;
}

TEST_CASE("counts are those of the values between the edges of bins, however the values came") {
  // 4 and −4 are as far as a power of two reaches, and do not lie below it; −1, 1, 2 and ½ were once that far.
  std::vector<Scalar> values = normal(3000);
  for (const double x : {0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 4.0, -4.0}) values.push_back(static_cast<Scalar>(x));
  const std::vector<std::int64_t> expected = counted(values, 8);
  std::vector<Scalar> rising = values;
  std::ranges::sort(rising, {}, [](Scalar x) { return std::abs(x); });  // the smallest reach first
  const auto together = observer(R"("mse")"), apart = observer(R"("mse")");
  together->observe(0, values);
  for (const Scalar x : rising) apart->observe(0, std::span(&x, 1));
  REQUIRE(std::ranges::max(values) < 8);
  for (const Observer* it : {together.get(), apart.get()}) {
    CHECK(it->buffers()[2].variable.value().item() == 8);
    CHECK(kept(*it) == expected);
  }
}

TEST_CASE("counting goes on beyond 2^24, in one bin and when bins merge") {
  const auto it = observer(R"({"type": "percentile", "percentile": 70})");
  const std::vector<Scalar> small(std::size_t{1} << 20, Scalar(0.1)), large(std::size_t{1} << 20, Scalar(0.9));
  for (int i = 0; i < 48; ++i) it->observe(0, small);
  for (int i = 0; i < 16; ++i) it->observe(0, large);
  // A quarter of the values are 0.9, which is less than the 30 % that may lie outside. Counts that stop at 2^24 say one half.
  CHECK(it->range(0).high == doctest::Approx(0.1).epsilon(0.02));
  it->observe(0, std::vector<Scalar>{Scalar(0.1), Scalar(-1.5)});  // the reach doubles
  const std::vector<std::int64_t> counts = kept(*it);
  CHECK(counts[1024 + 51] == (std::int64_t{48} << 20) + 1);  // ⌊0.1·1024/2⌋
  CHECK(counts[1024 + 460] == std::int64_t{16} << 20);
  CHECK(counts[1024 - 768] == 1);
}

TEST_CASE("counts that a file claims but no observation gives are refused by the site's name") {
  for (const double count : {-1.0, 0x1p24, std::nan(""), HUGE_VAL}) {
    CAPTURE(count);
    const auto it = observer(R"("mse")");
    it->observe(0, std::vector<Scalar>{-1, 2});
    it->buffers()[0].variable.mutable_value().mutable_values()[7] = static_cast<Scalar>(count);
    CHECK_THROWS_WITH_AS(static_cast<void>(it->range(0)), doctest::Contains("counts"), core::NumericError);
  }
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
