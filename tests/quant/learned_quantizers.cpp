// Oracles: PyTorch's autograd of the papers' equations (tests/golden/make_learned_quantizers.py); the papers' initial values;
// the staircase that the sum of sigmoids has as its limit, with the bound its tails give.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "nn/configured.hpp"
#include "tempera/core/config/describe.hpp"
#include "tempera/core/config/find_number.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/quantizer.hpp"

using namespace tempera;
using core::Tensor;
using core::Variable;

namespace {

std::unique_ptr<quant::Quantizer> quantizer(const std::string& json, const quant::SiteFacts& site) {
  const quant::QuantizerRegistry& registry = quant::QuantizerRegistry::builtin();
  return registry.make(*configured(registry, json), site);
}

quant::SiteFacts weight(const core::Shape& shape) {
  return {.name = "fc1.weight", .kind = nn::SiteKind::kWeight, .shape = shape};
}
quant::SiteFacts activation(const core::Shape& shape, bool non_negative = false) {
  return {.name = "act1.output", .kind = nn::SiteKind::kOutput, .shape = shape, .non_negative = non_negative};
}

Tensor normal(const core::Shape& shape, double deviation = 1) {
  Tensor x(shape);
  core::Random(9, "values").fill_normal(x.mutable_values(), 0, deviation);
  return x;
}

std::vector<double> doubles(const nlohmann::json& json) { return json.get<std::vector<double>>(); }

Tensor tensor(const core::Shape& shape, const nlohmann::json& json) {
  Tensor x(shape);
  const std::vector<double> values = doubles(json);
  for (std::size_t i = 0; i < values.size(); ++i) x.mutable_values()[i] = static_cast<Scalar>(values[i]);
  return x;
}

// `tolerance` is a share of the largest expected magnitude, so that a sum with cancellation is judged by its terms.
void check_near(const Tensor& got, const nlohmann::json& json, double tolerance) {
  const std::vector<double> expected = doubles(json);
  REQUIRE(got.values().size() == expected.size());
  double largest = 1;
  for (const double e : expected) largest = std::max(largest, std::abs(e));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(static_cast<double>(got.values()[i]) - expected[i]) <= tolerance * largest);
  }
}

nlohmann::json golden() {
  nlohmann::json all;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/learned_quantizers.json") >> all;
  return all;
}

// Every value is dequantize(integers(x)), in every bit.
void check_hard_form(quant::Quantizer& q, const Tensor& x) {
  nn::ForwardContext evaluation;
  const Tensor y = q.forward(Variable(x), evaluation).value();
  const quant::Integers all = q.integers(x);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(y.values()[at] == all.params.dequantize(all.values[at], all.params.slot(i, x.shape())));
    CHECK(all.values[at] >= all.params.qmin);
    CHECK(all.values[at] <= all.params.qmax);
  }
}

}  // namespace

TEST_CASE("values and gradients of learned quantizers are PyTorch's of the papers' equations") {
  const nlohmann::json all = golden();
  for (const nlohmann::json& item : all["cases"]) {
    const std::string config = item["config"].dump();
    CAPTURE(config);
    const core::Shape shape{item["shape"][0].get<std::int64_t>(), item["shape"][1].get<std::int64_t>()};
    const bool is_weight = item["kind"] == "weight";
    const auto q = quantizer(config, is_weight ? weight(shape) : activation({shape[1]}));
    const Variable x(tensor(shape, item["x"]), true);
    q->observe(x.value());
    for (const nn::Parameter& p : q->parameters()) {
      const std::string name = p.name.substr(p.name.rfind('.') + 1);
      if (item.contains("initial")) check_near(p.variable.value(), item["initial"][name], 1e-6);
      p.variable.set_value(tensor(p.shape, item["learned"][name]["value"]));
    }
    nn::ForwardContext training{.training = true};
    const Variable y = q->forward(x, training);
    check_near(y.value(), item["y"], 2e-6);
    core::backward(y, tensor(shape, item["dy"]));
    // A steep sigmoid multiplies the rounding of x by T.
    const double tolerance = item["config"]["type"] == "smoothed_sigmoid" ? 2e-4 : 2e-5;
    check_near(x.grad(), item["dx"], tolerance);
    CHECK(q->parameters().size() == item["learned"].size());
    for (const nn::Parameter& p : q->parameters()) {
      CAPTURE(p.name);
      check_near(p.variable.grad(), item["learned"][p.name.substr(p.name.rfind('.') + 1)]["grad"], tolerance);
    }
    check_hard_form(*q, x.value());
    if (!item.contains("hard")) continue;
    nn::ForwardContext evaluation;
    check_near(q->forward(x, evaluation).value(), item["hard"], 1e-6);
  }
}

TEST_CASE("the smooth form approaches the staircase as T grows, within what the tails of its sigmoids sum up to") {
  for (const int bits : {2, 4, 8}) {
    for (const double t : {20.0, 100.0, 1000.0, 1e6, 1e30}) {
      CAPTURE(bits);
      CAPTURE(t);
      const auto q = quantizer(
          "{\"type\": \"smoothed_sigmoid\", \"growth\": \"constant\", \"alpha\": 1, \"bits\": " + std::to_string(bits) +
              ", \"temperature\": " + std::to_string(t) + ", \"max_temperature\": 1e31}",
          activation({1000}));
      const double delta = 1.0 / ((1 << bits) - 1);
      const Tensor x = normal({1, 1000}, 2);
      nn::ForwardContext training{.training = true}, evaluation;
      const Tensor soft = q->forward(Variable(x), training).value();
      const Tensor hard = q->forward(Variable(x), evaluation).value();
      for (std::size_t i = 0; i < 1000; ++i) {
        // Distance from the nearest step, in steps: the two nearest sigmoids are each off by at most e^(−T·distance), all
        // others by a geometric series below that.
        const double u = static_cast<double>(x.values()[i]) / delta;
        const double distance = std::abs(u - std::floor(u) - 0.5);
        const double bound = 2 * delta * std::exp(-t * distance) / (1 - std::exp(-t)) + 4e-7;
        CHECK(std::abs(static_cast<double>(soft.values()[i] - hard.values()[i])) <= bound);
      }
    }
  }
}

TEST_CASE("the smooth form of huge and infinite arguments neither overflows nor gives anything but its ends") {
  const auto q = quantizer(R"({"type": "smoothed_sigmoid", "alpha": 1, "temperature": 1e4, "max_temperature": 1e4})",
                           activation({6}));
  const Variable x(Tensor({1, 6}, {Scalar(-1e30), Scalar(-89), Scalar(89), Scalar(1e30), Scalar(-1e-30), Scalar(1e38)}),
                   true);
  nn::ForwardContext training{.training = true};
  const Variable y = q->forward(x, training);
  const std::vector<Scalar> ends{0, 0, 1, 1, 0, 1};
  for (std::size_t i = 0; i < 6; ++i) CHECK(y.value().values()[i] == doctest::Approx(ends[i]).epsilon(1e-6));
  core::backward(y, Tensor::full({1, 6}, 1));
  for (const Scalar g : x.grad().values()) CHECK(g == 0);
  CHECK(std::isfinite(q->parameters()[0].variable.grad().item()));
}

TEST_CASE("a smooth weight is odd: its steps are symmetric around 0") {
  const auto q = quantizer(R"({"type": "smoothed_sigmoid", "bits": 3, "alpha": 0.8})", weight({10, 10}));
  const Tensor x = normal({10, 10});
  Tensor minus(x.shape());
  for (std::size_t i = 0; i < 100; ++i) minus.mutable_values()[i] = -x.values()[i];
  nn::ForwardContext training{.training = true};
  const Tensor y = q->forward(Variable(x), training).value(), z = q->forward(Variable(minus), training).value();
  for (std::size_t i = 0; i < 100; ++i) CHECK(y.values()[i] == doctest::Approx(-z.values()[i]).epsilon(1e-5));
}

TEST_CASE("the soft form of an evaluation is the sum of sigmoids at the steepness of its epoch") {
  const auto q = quantizer(R"({"type": "smoothed_sigmoid", "alpha": 1, "bits": 2, "temperature": 4})", activation({3}));
  nn::ForwardContext third{.epoch = 2, .soft = true}, hard{.epoch = 2};
  const Variable x(Tensor({1, 3}, {Scalar(0.1), Scalar(0.45), Scalar(0.9)}));
  REQUIRE(q->temperature(2) == 12.0);
  const Tensor soft = q->forward(x, third).value();
  for (std::size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (const double step : {0.5, 1.5, 2.5}) {
      sum += 1 / (1 + std::exp(-12 * (3 * static_cast<double>(x.value().values()[i]) - step)));
    }
    CHECK(soft.values()[i] == doctest::Approx(sum / 3).epsilon(1e-5));
  }
  CHECK(q->forward(x, hard).value().values()[0] == 0);
  CHECK_FALSE(quantizer(R"({"type": "lsq"})", activation({3}))->temperature(0));
}

TEST_CASE("the temperature grows as its course says, and a schedule may hold it instead") {
  const Tensor x = normal({1, 50});
  const auto values = [&](const std::string& more, std::int64_t epoch, double temperature) {
    const auto q = quantizer(R"({"type": "smoothed_sigmoid", "alpha": 1, )" + more + "}", activation({50}));
    if (temperature > 0) {
      core::find_number([&](core::FieldVisitor& v) { q->numbers(v); }, "temperature") = temperature;
    }
    nn::ForwardContext training{.training = true, .epoch = epoch};
    const Tensor y = q->forward(Variable(x), training).value();
    return std::vector<Scalar>(y.values().begin(), y.values().end());
  };
  const auto held = [&](double t) { return values(R"("growth": "constant", "temperature": 1)", 7, t); };
  CHECK(values(R"("growth": "linear", "temperature": 3)", 4, 0) == held(15));
  CHECK(values(R"("growth": "linear", "temperature": 3, "max_temperature": 10)", 4, 0) == held(10));
  CHECK(values(R"("growth": "exponential", "temperature": 3, "rate": 2)", 4, 0) == held(48));
  CHECK(values(R"("growth": "cosine", "temperature": 3, "max_temperature": 11, "over_epochs": 4)", 2, 0) == held(7));
  CHECK(held(7) != held(8));
}

TEST_CASE("learned numbers start from the first values, and what follows moves nothing but by gradient") {
  for (const std::string type : {"lsq", "lsq_plus", "smoothed_sigmoid"}) {
    CAPTURE(type);
    const auto q = quantizer(R"({"type": ")" + type + "\"}", activation({40}));
    CHECK_FALSE(q->ready());
    q->observe(normal({1, 40}));
    REQUIRE(q->ready());
    const Scalar first = q->parameters()[0].variable.value().item();
    q->observe(normal({1, 40}, 50));
    CHECK(q->parameters()[0].variable.value().item() == first);
  }
}

TEST_CASE("LSQ+ starts with a grid that covers the values and has 0 on it") {
  const auto q = quantizer(R"({"type": "lsq_plus", "bits": 8})", activation({5}));
  const Tensor x({1, 5}, {Scalar(-0.3), 0, Scalar(0.1), Scalar(0.7), Scalar(1.2)});
  q->observe(x);
  const quant::QParams p = *q->params();
  CHECK(p.dequantize(p.qmin) == doctest::Approx(-0.3).epsilon(0.02));
  CHECK(p.dequantize(p.qmax) == doctest::Approx(1.2).epsilon(0.02));
  CHECK(p.dequantize(p.quantize(0)) == 0);
}

TEST_CASE("numbers of quantizers learn at their own rate and are named after their site") {
  for (const std::string type : {"lsq", "lsq_plus", "pact", "smoothed_sigmoid"}) {
    CAPTURE(type);
    const auto q = quantizer(R"({"type": ")" + type + R"(", "learning_rate": 0.125})", activation({4}));
    REQUIRE_FALSE(q->parameters().empty());
    for (const nn::Parameter& p : q->parameters()) {
      // Four features of 4 bits: the sum over them is brought back by √(4·15).
      const double share = type == "smoothed_sigmoid" ? 1 / std::sqrt(60.0) : 1;
      CHECK(p.learning_rate_scale == doctest::Approx(0.125 * share));
      CHECK(p.role == nn::Role::kStep);
      CHECK(p.name.starts_with("act1.output."));
      CHECK(p.variable.requires_grad());
    }
  }
}

TEST_CASE("a constant, an all-zero, a tiny or an outlying tensor gives a usable grid") {
  const auto tensors = [] {
    Tensor outlier = normal({4, 8}, 0.1);
    outlier.mutable_values()[3] = Scalar(1e30);
    return std::vector<Tensor>{Tensor::zeros({4, 8}), Tensor::full({4, 8}, Scalar(0.25)), Tensor::full({4, 8}, -3),
                               Tensor::full({4, 8}, Scalar(1e-40)), outlier};
  }();
  for (const std::string type : {"lsq", "lsq_plus", "dorefa", "smoothed_sigmoid"}) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      CAPTURE(type);
      CAPTURE(i);
      const auto q = quantizer(R"({"type": ")" + type + "\"}", weight({4, 8}));
      q->observe(tensors[i]);
      REQUIRE(q->ready());
      const Variable x(tensors[i], true);
      nn::ForwardContext training{.training = true};
      const Variable y = q->forward(x, training);
      for (const Scalar v : y.value().values()) CHECK(std::isfinite(v));
      core::backward(y, Tensor::full({4, 8}, 1));
      for (const Scalar v : x.grad().values()) CHECK(std::isfinite(v));
      check_hard_form(*q, tensors[i]);
    }
  }
}

TEST_CASE("values that are not finite are refused by the site's name") {
  for (const std::string type : {"lsq", "lsq_plus", "dorefa", "smoothed_sigmoid", "quantized_relu"}) {
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      CAPTURE(type);
      const auto q = quantizer(R"({"type": ")" + type + "\"}", activation({3}));
      try {
        q->observe(Tensor({1, 3}, {0, static_cast<Scalar>(bad), 1}));
        FAIL("was taken");
      } catch (const core::NumericError& error) {
        CHECK(error.where() == "act1.output");
      }
    }
  }
}

TEST_CASE("learned quantizers give the same bits for every number of threads") {
  const Tensor x = normal({64, 1031});
  for (const std::string type : {"lsq", "lsq_plus", "pact", "dorefa", "smoothed_sigmoid"}) {
    CAPTURE(type);
    std::vector<std::vector<Scalar>> results;
    for (const int threads : {1, 2, 3}) {
      core::set_thread_count(threads);
      const auto q = quantizer(R"({"type": ")" + type + "\"}", activation({1031}));
      q->observe(x);
      const Variable in(x, true);
      nn::ForwardContext training{.training = true};
      core::backward(q->forward(in, training), x);
      std::vector<Scalar> all(in.grad().values().begin(), in.grad().values().end());
      for (const nn::Parameter& p : q->parameters()) all.push_back(p.variable.grad().item());
      results.push_back(std::move(all));
    }
    core::set_thread_count(2);
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
}

TEST_CASE("clipped quantizers are for activations, and scales for each channel for weights") {
  CHECK_THROWS_AS(quantizer(R"({"type": "pact"})", weight({4, 4})), core::ConfigError);
  CHECK_THROWS_AS(quantizer(R"({"type": "quantized_relu"})", weight({4, 4})), core::ConfigError);
  CHECK_THROWS_AS(quantizer(R"({"type": "lsq", "per_channel": true})", activation({4})), core::ConfigError);
}

// Oracle: the rule that 1 bit is refused with its place and with what there is instead, whichever quantizer is asked.
TEST_CASE("every quantizer of bits refuses one bit by naming binary networks, and too many by the range alone") {
  const quant::QuantizerRegistry& registry = quant::QuantizerRegistry::builtin();
  std::vector<std::string> asked;
  for (const std::string& type : registry.names()) {
    const std::vector<core::FieldInfo> fields = core::describe_type(registry, type);
    if (std::ranges::none_of(fields, [](const core::FieldInfo& f) { return f.name == "bits"; })) continue;
    asked.push_back(type);
    for (const char* bits : {"-1", "0", "1", "33"}) {
      CAPTURE(type);
      CAPTURE(bits);
      try {
        static_cast<void>(configured(registry, R"({"type": ")" + type + R"(", "bits": )" + bits + "}"));
        FAIL_CHECK("taken");
      } catch (const core::ConfigError& error) {
        REQUIRE(error.issues().size() == 1);
        CHECK(error.issues()[0].pointer.ends_with("/bits"));
        const std::string& text = error.issues()[0].message;
        CHECK_MESSAGE(text.find("must be ≥ 2 and ≤ ") == 0, text);
        CHECK_MESSAGE((text.find("binary networks") != std::string::npos) == (std::string(bits) != "33"), text);
      }
    }
  }
  CHECK(asked == std::vector<std::string>{"dorefa", "lsq", "lsq_plus", "pact", "power_of_two_values", "quantized_relu",
                                          "smoothed_sigmoid", "uniform"});
}

TEST_CASE("a quantizer with another's parameters and buffers goes on where that one was") {
  for (const std::string type : {"lsq", "lsq_plus", "pact", "smoothed_sigmoid", "quantized_relu"}) {
    CAPTURE(type);
    const std::string config = R"({"type": ")" + type + "\"}";
    const auto first = quantizer(config, activation({40})), second = quantizer(config, activation({40}));
    const Tensor x = normal({3, 40});
    first->observe(x);
    const std::vector<nn::Parameter> learned = first->parameters(), fresh = second->parameters();
    for (std::size_t i = 0; i < learned.size(); ++i) {
      CHECK(learned[i].name == fresh[i].name);
      Tensor moved(learned[i].shape);  // as a step of training would have
      for (Scalar& v : moved.mutable_values()) v = learned[i].variable.value().values()[0] * Scalar(1.25);
      learned[i].variable.set_value(moved);
      fresh[i].variable.set_value(moved);
    }
    for (std::size_t i = 0; i < first->buffers().size(); ++i) {
      second->buffers()[i].variable.set_value(first->buffers()[i].variable.value());
    }
    REQUIRE(second->ready());
    const Tensor later = normal({3, 40}, 3);
    first->observe(later);
    second->observe(later);
    nn::ForwardContext training{.training = true, .epoch = 2};
    const Tensor a = first->forward(Variable(x), training).value(), b = second->forward(Variable(x), training).value();
    CHECK(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
    CHECK(first->params()->scale == second->params()->scale);
  }
}
