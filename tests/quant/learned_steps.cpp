// The smoothed staircase with a β and biases of its own. Oracles: PyTorch's autograd by β and b_i themselves
// (tests/golden/make_learned_quantizers.py); the sum of sigmoids written out; thresholds worked out by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "nn/configured.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/quantizer.hpp"

using namespace tempera;
using core::Tensor;
using core::Variable;

namespace {

constexpr const char* kBoth = R"(, "beta": "learned", "biases": "learned")";

std::unique_ptr<quant::Quantizer> quantizer(const std::string& config, const core::Shape& shape, bool weight) {
  const quant::QuantizerRegistry& registry = quant::QuantizerRegistry::builtin();
  return registry.make(*configured(registry, config), {.name = "site",
                                                       .kind = weight ? nn::SiteKind::kWeight : nn::SiteKind::kOutput,
                                                       .shape = shape,
                                                       .non_negative = false});
}

std::unique_ptr<quant::Quantizer> staircase(const std::string& more, const core::Shape& shape, bool weight = false) {
  return quantizer(R"({"type": "smoothed_sigmoid")" + more + "}", shape, weight);
}

const Variable& number(const quant::Quantizer& q, const std::string& name) {
  static Variable found;
  for (const nn::Parameter& p : q.parameters()) {
    if (p.name == "site." + name) found = p.variable;
  }
  return found;
}

Tensor normal(const core::Shape& shape, double deviation) {
  Tensor x(shape);
  core::Random(9, "values").fill_normal(x.mutable_values(), 0, deviation);
  return x;
}

Tensor list(const std::vector<double>& values) {
  Tensor x({static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) x.mutable_values()[i] = static_cast<Scalar>(values[i]);
  return x;
}

}  // namespace

// A share of the largest expected magnitude: a steep sigmoid multiplies the rounding of x by T.
void check_near(double got, double expected, double largest) {
  CHECK(std::abs(got - expected) <= 2e-4 * std::max(1.0, largest));
}

// dL/dp of what is learned, in the unit of the values, is brought to the unit of β and the b_i by the chain rule alone.
TEST_CASE("what is learned in the unit of the values gives PyTorch's gradients by beta and by the biases themselves") {
  nlohmann::json all;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/learned_quantizers.json") >> all;
  int betas = 0, biases = 0;
  for (const nlohmann::json& item : all["cases"]) {
    if (!item.contains("beta") && !item.contains("b")) continue;
    const nlohmann::json& config = item["config"];
    CAPTURE(config.dump());
    const bool weight = item["kind"] == "weight";
    const core::Shape shape{item["shape"][0].get<std::int64_t>(), item["shape"][1].get<std::int64_t>()};
    const auto q = quantizer(config.dump(), weight ? shape : shape.without_batch(), weight);
    for (const nn::Parameter& p : q->parameters()) {
      const Tensor value =
          list(item["learned"][p.name.substr(p.name.rfind('.') + 1)]["value"].get<std::vector<double>>());
      p.variable.set_value(value);
    }
    nn::ForwardContext training{.training = true};
    const Variable x(list(item["x"].get<std::vector<double>>()).reshaped(shape));
    core::backward(q->forward(x, training), list(item["dy"].get<std::vector<double>>()).reshaped(shape));
    const int bits = config["bits"].get<int>();
    const double top = weight ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
    if (item.contains("beta")) {  // β = top/range: dβ = −dr·range²/top
      const auto range = static_cast<double>(number(*q, "input_range").value().item());
      const auto grad = static_cast<double>(number(*q, "input_range").grad().item());
      CHECK(item["beta"]["value"][0].get<double>() == doctest::Approx(top / range));
      check_near(-grad * range * range / top, item["beta"]["grad"][0].get<double>(), range * range / top);
      ++betas;
    }
    if (!item.contains("b")) continue;
    const double unit = config["alpha"].get<double>() / top;
    const std::vector<double> expected = item["b"]["grad"].get<std::vector<double>>();
    const double largest = std::abs(*std::ranges::max_element(expected, {}, [](double g) { return std::abs(g); }));
    const Tensor grad = number(*q, "biases").grad();
    REQUIRE(grad.values().size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      check_near(static_cast<double>(grad.values()[i]) * unit, expected[i], largest);
    }
    ++biases;
  }
  CHECK(betas == 32);
  CHECK(biases == 32);
}

TEST_CASE("before anything is learned the staircase with learned steps is the tied one with midpoints") {
  const Tensor x = normal({4, 50}, 1);
  for (const bool weight : {false, true}) {
    for (const char* more : {R"(, "beta": "learned")", R"(, "biases": "learned")", kBoth}) {
      CAPTURE(weight);
      CAPTURE(more);
      const auto plain = staircase("", {4, 50}, weight), learned = staircase(more, {4, 50}, weight);
      plain->observe(x);
      learned->observe(x);
      nn::ForwardContext training{.training = true}, evaluation;
      const Tensor soft = plain->forward(Variable(x), training).value();
      const Tensor hard = plain->forward(Variable(x), evaluation).value();
      const Tensor soft_learned = learned->forward(Variable(x), training).value();
      const Tensor hard_learned = learned->forward(Variable(x), evaluation).value();
      for (std::size_t i = 0; i < 200; ++i) {
        CHECK(soft.values()[i] == doctest::Approx(soft_learned.values()[i]).epsilon(1e-5));
        CHECK(hard.values()[i] == hard_learned.values()[i]);
      }
      CHECK(plain->params()->thresholds.empty());
      CHECK(learned->params()->scale == plain->params()->scale);
    }
  }
}

TEST_CASE("the limit of the sum has its steps at b/beta in rising order, whatever order the biases have come to") {
  // q = 3, first δ = ½: biases 1.1, 0.2, 0.6 stand for b = 2.2, 0.4, 1.2; β = 3/1.2 = 2.5.
  const auto q = staircase(std::string(R"(, "bits": 2, "alpha": 1.5)") + kBoth, {4});
  number(*q, "biases").set_value(list({1.1, 0.2, 0.6}));
  number(*q, "input_range").set_value(list({1.2}));
  number(*q, "alpha").set_value(list({3}));
  const quant::QParams grid = *q->params();
  REQUIRE(grid.thresholds.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(grid.thresholds[i] == doctest::Approx(std::array{0.16, 0.48, 0.88}[i]).epsilon(1e-6));
  }
  CHECK(grid.scale == std::vector<float>{1});
  const float t = grid.thresholds[1];
  CHECK(grid.quantize(t) == 2);  // it is reached where it lies
  CHECK(grid.quantize(std::nextafter(t, 0.0F)) == 1);
  CHECK(grid.quantize(-std::numeric_limits<float>::infinity()) == 0);
  CHECK(grid.quantize(std::numeric_limits<float>::infinity()) == 3);
  CHECK(grid.quantize(std::nanf("")) == 0);
}

TEST_CASE("thresholds never fall and stay finite whatever learning has made of biases and beta, and NaN is refused") {
  for (const bool weight : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      const auto q = staircase(std::string(R"(, "bits": 4, "alpha": 0.7)") + kBoth, {8}, weight);
      Tensor biases(number(*q, "biases").shape());
      core::Random random(seed, "biases");
      random.fill_normal(biases.mutable_values(), 0, std::pow(10.0, static_cast<double>(seed % 20) - 5));
      if (seed % 3 == 0) biases.mutable_values()[2] = biases.mutable_values()[5];
      if (seed % 5 == 0) biases.mutable_values()[0] = std::numeric_limits<Scalar>::max();
      if (seed % 7 == 0) biases.mutable_values()[1] = -std::numeric_limits<Scalar>::infinity();
      number(*q, "biases").set_value(biases);
      number(*q, "input_range").set_value(list({seed % 2 == 0 ? -4.0 : std::pow(10.0, static_cast<double>(seed % 9))}));
      const quant::QParams grid = *q->params();
      REQUIRE(grid.thresholds.size() == static_cast<std::size_t>(grid.qmax - grid.qmin));
      CHECK(std::ranges::is_sorted(grid.thresholds));
      CHECK(std::ranges::all_of(grid.thresholds, [](float t) { return std::isfinite(t); }));
    }
  }
  const auto q = staircase(std::string(R"(, "bits": 2, "alpha": 1)") + kBoth, {4});
  number(*q, "biases").set_value(list({1, std::nan(""), 2}));
  CHECK_THROWS_AS(static_cast<void>(q->params()), core::NumericError);
}

TEST_CASE("a staircase with learned steps is the sum of all its sigmoids, also where they are left out as 0 or 1") {
  for (const double t : {0.1, 3.0, 40.0, 1000.0, 1e6}) {
    CAPTURE(t);
    const auto q =
        staircase(R"(, "bits": 4, "alpha": 1.5, "growth": "constant", "max_temperature": 1e7, "temperature": )" +
                      std::to_string(t) + kBoth,
                  {500});
    Tensor biases = normal({15}, 1);
    number(*q, "biases").set_value(biases);
    number(*q, "input_range").set_value(list({0.8}));
    const Tensor x = normal({1, 500}, 3);
    nn::ForwardContext training{.training = true};
    const Tensor y = q->forward(Variable(x), training).value();
    const double unit = static_cast<double>(static_cast<Scalar>(1.5 / 15)),
                 beta = 15 / static_cast<double>(Scalar(0.8));
    for (std::size_t i = 0; i < 500; ++i) {
      double sum = 0;
      for (const Scalar b : biases.values()) {
        const double z = t * (beta * static_cast<double>(x.values()[i]) - static_cast<double>(b) / unit);
        sum += z > 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
      }
      CHECK(static_cast<double>(y.values()[i]) == doctest::Approx(0.1 * sum).epsilon(2e-6));
    }
  }
}

TEST_CASE("steep steps far from a value neither overflow nor give it a gradient, and NaN passes through") {
  const auto q = staircase(std::string(R"(, "alpha": 1, "temperature": 1e4, "max_temperature": 1e4)") + kBoth, {6});
  const Variable x(Tensor({1, 6}, {Scalar(-1e30), Scalar(-89), Scalar(89), Scalar(1e30), Scalar(-1e-30), Scalar(1e38)}),
                   true);
  nn::ForwardContext training{.training = true};
  const Variable y = q->forward(x, training);
  const std::vector<Scalar> ends{0, 0, 1, 1, 0, 1};
  for (std::size_t i = 0; i < 6; ++i) CHECK(y.value().values()[i] == doctest::Approx(ends[i]).epsilon(1e-6));
  core::backward(y, Tensor::full({1, 6}, 1));
  for (const Scalar g : x.grad().values()) CHECK(g == 0);
  for (const nn::Parameter& p : q->parameters()) {
    for (const Scalar g : p.variable.grad().values()) CHECK(std::isfinite(g));
  }
  const Variable nan(Tensor::full({1, 1}, static_cast<Scalar>(std::nan(""))));
  nn::ForwardContext evaluation;
  CHECK(std::isnan(q->forward(nan, training).value().item()));
  CHECK(std::isnan(q->forward(nan, evaluation).value().item()));
}

TEST_CASE("beta and biases learn at the rate of alpha, which a sum over all values leaves stable") {
  const auto q = staircase(std::string(R"(, "bits": 4, "learning_rate": 0.5)") + kBoth, {100});
  const std::vector<nn::Parameter> all = q->parameters();
  REQUIRE(all.size() == 3);
  for (const nn::Parameter& p : all) {
    CHECK(p.learning_rate_scale == doctest::Approx(0.5 / std::sqrt(100.0 * 15)));
    CHECK(p.role == nn::Role::kStep);
  }
  CHECK(all[2].shape == core::Shape{15});
  // 100 features of size 1 whose gradients all agree: a step of rate 0.1 moves no number by more than two steps.
  Tensor x({1, 100});
  core::Random(2, "x").fill_uniform(x.mutable_values(), 0, 1);
  q->observe(x);
  nn::ForwardContext training{.training = true};
  core::backward(q->forward(Variable(x, true), training), Tensor::full({1, 100}, 1));
  for (const nn::Parameter& p : q->parameters()) {
    for (const Scalar g : p.variable.grad().values()) {
      CHECK(0.1 * p.learning_rate_scale * std::abs(static_cast<double>(g)) < 2.0 / 15);
    }
  }
}

TEST_CASE("learned steps give the same bits for every number of threads") {
  const Tensor x = normal({64, 1031}, 1);
  std::vector<std::vector<Scalar>> results;
  for (const int threads : {1, 2, 3}) {
    core::set_thread_count(threads);
    const auto q = staircase(kBoth, {1031});
    q->observe(x);
    const Variable in(x, true);
    nn::ForwardContext training{.training = true};
    core::backward(q->forward(in, training), x);
    std::vector<Scalar> all(in.grad().values().begin(), in.grad().values().end());
    for (const nn::Parameter& p : q->parameters()) {
      all.insert(all.end(), p.variable.grad().values().begin(), p.variable.grad().values().end());
    }
    results.push_back(std::move(all));
  }
  core::set_thread_count(2);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("a staircase with another's numbers, the unit of its biases among them, goes on where that one was") {
  const auto first = staircase(kBoth, {40}), second = staircase(kBoth, {40});
  const Tensor x = normal({3, 40}, 2);
  first->observe(x);
  for (std::size_t i = 0; i < 3; ++i) {
    Tensor moved = first->parameters()[i].variable.value();
    for (Scalar& v : moved.mutable_values()) v *= Scalar(1.25);
    first->parameters()[i].variable.set_value(moved);
    second->parameters()[i].variable.set_value(moved);
  }
  REQUIRE(first->buffers().size() == second->buffers().size());
  for (std::size_t i = 0; i < first->buffers().size(); ++i) {
    second->buffers()[i].variable.set_value(first->buffers()[i].variable.value());
  }
  REQUIRE(second->ready());
  second->observe(normal({3, 40}, 50));
  CHECK(first->params()->thresholds == second->params()->thresholds);
  nn::ForwardContext training{.training = true, .epoch = 2};
  const Tensor a = first->forward(Variable(x), training).value(), b = second->forward(Variable(x), training).value();
  CHECK(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
}

TEST_CASE("learned steps take at most eight bits, and their words are checked") {
  for (const char* more : {R"(, "bits": 9, "beta": "learned")", R"(, "bits": 16, "biases": "learned")",
                           R"(, "beta": "free")", R"(, "biases": "sorted")"}) {
    CAPTURE(more);
    CHECK_THROWS_AS(staircase(more, {4}), core::ConfigError);
  }
  CHECK_NOTHROW(staircase(R"(, "bits": 16)", {4}));
}
