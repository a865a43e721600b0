#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/configured.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/clipping.hpp"
#include "tempera/nn/optimizer.hpp"
#include "tempera/nn/weight_average.hpp"

using namespace tempera;
using core::Tensor;

namespace {

nn::Parameter parameter(const std::string& name, const Tensor& value, nn::Role role = nn::Role::kWeight) {
  return {.name = name, .shape = value.shape(), .role = role, .variable = core::Variable(value, true)};
}

void set_grad(const nn::Parameter& p, const Tensor& grad) { p.variable.mutable_grad() = grad; }

std::unique_ptr<nn::Optimizer> optimizer(const std::string& json, const std::vector<nn::Parameter>& parameters) {
  const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
  return registry.make(*configured(registry, json), parameters);
}

Tensor random(const core::Shape& shape, std::string_view stream) {
  Tensor result(shape);
  core::Random(5, stream).fill_normal(result.mutable_values(), 0, 1);
  return result;
}

std::vector<Scalar> numbers(const nlohmann::json& json) { return json.get<std::vector<Scalar>>(); }

}  // namespace

TEST_CASE("after 20 steps every optimizer is where PyTorch's, or its formula in double, is") {
  nlohmann::json golden;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/optimizers.json") >> golden;
  const auto self = golden["self"].get<Scalar>();
  for (const auto& item : golden["cases"]) {
    const std::string config = item["config"].dump();
    CAPTURE(config);
    const std::vector<nn::Parameter> parameters{
        parameter("weight", Tensor({2, 3}, numbers(golden["start"]["weight"]))),
        parameter("bias", Tensor({2}, numbers(golden["start"]["bias"])), nn::Role::kBias)};
    const auto under_test = optimizer(config, parameters);
    for (std::size_t step = 0; step < golden["gradients"]["bias"].size(); ++step) {
      for (const nn::Parameter& p : parameters) {
        Tensor grad(p.shape, numbers(golden["gradients"][p.name][step]));
        for (std::int64_t i = 0; i < p.numel(); ++i) grad.mutable_data()[i] += self * p.variable.value().data()[i];
        set_grad(p, grad);
      }
      under_test->step();
    }
    for (const nn::Parameter& p : parameters) {
      const std::vector<Scalar> end = numbers(item["end"][p.name]);
      for (std::size_t i = 0; i < end.size(); ++i) {
        CHECK(p.variable.value().values()[i] == doctest::Approx(end[i]).epsilon(2e-5));
      }
    }
  }
}

TEST_CASE("weight decay leaves biases alone unless decay_all is set") {
  for (const bool all : {false, true}) {
    const std::vector<nn::Parameter> p{parameter("bias", Tensor::full({2}, 1), nn::Role::kBias)};
    const auto sgd = optimizer(
        nlohmann::json{{"type", "sgd"}, {"learning_rate", 0.5}, {"weight_decay", 0.5}, {"decay_all", all}}.dump(), p);
    set_grad(p[0], Tensor::zeros({2}));
    sgd->step();
    CHECK(p[0].variable.value().data()[0] == (all ? 0.75F : 1.0F));
  }
}

TEST_CASE(
    "a parameter without a gradient does not move, and one that shares its tensor keeps the other handle's value") {
  const Tensor shared = Tensor::full({3}, 1);
  const std::vector<nn::Parameter> p{parameter("moves", shared), parameter("stays", shared)};
  const auto sgd = optimizer(R"({"type": "sgd", "learning_rate": 1})", p);
  set_grad(p[0], Tensor::full({3}, 1));
  sgd->step();
  CHECK(p[0].variable.value().data()[1] == 0);
  CHECK(p[1].variable.value().data()[1] == 1);
  CHECK(shared.data()[1] == 1);
}

TEST_CASE("every element is updated once, whatever the sizes of the parameters, for any number of threads") {
  const std::vector<std::int64_t> sizes{7, 32773, 40000, 0, 3, 100003};
  for (const int threads : {1, 2, 4}) {
    core::set_thread_count(threads);
    std::vector<nn::Parameter> p;
    for (const std::int64_t n : sizes) p.push_back(parameter("p" + std::to_string(n), Tensor::full({n}, 5)));
    const auto sgd = optimizer(R"({"type": "sgd", "learning_rate": 1})", p);
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (i != 2) set_grad(p[i], Tensor::full({sizes[i]}, 1));  // the third has no gradient
    }
    sgd->step();
    for (std::size_t i = 0; i < p.size(); ++i) {
      CHECK(std::ranges::all_of(p[i].variable.value().values(), [&](Scalar w) { return w == (i == 2 ? 5 : 4); }));
    }
  }
  core::set_thread_count(2);
}

TEST_CASE("a gradient made by rows on the way moves a weight by the same bits as one made before, and as defined") {
  const Tensor x = random({20, 301}, "x"), dy = random({20, 300}, "dy"), start = random({300, 301}, "w");
  const Tensor tail = random({33, 7}, "tail");
  const std::string plain = R"({"type": "sgd", "learning_rate": 0.1})";
  for (const std::string& json :
       {plain,
        std::string(
            R"({"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": true, "weight_decay": 0.01})"),
        std::string(R"({"type": "adamw", "learning_rate": 0.1})"),
        std::string(R"({"type": "sgd", "learning_rate": 0.1, "clip_norm": 1, "max_squared_length": 20})")}) {
    CAPTURE(json);
    std::vector<std::vector<Scalar>> ends;
    for (const int threads : {1, 2, 4}) {
      core::set_thread_count(threads);
      for (const bool made_before : {false, true}) {
        // What stands before a matrix moves where it is cut.
        const std::vector<nn::Parameter> p{parameter("tail", tail), parameter("weight", start)};
        const auto under_test = optimizer(json, p);
        for (int step = 0; step < 2; ++step) {
          set_grad(p[0], tail);
          core::backward(core::linear(core::Variable(x), p[1].variable, core::Variable()), dy);
          REQUIRE(p[1].variable.deferred_grad() != nullptr);
          if (made_before) REQUIRE_FALSE(p[1].variable.grad().empty());
          under_test->step();
          CHECK(p[1].variable.has_grad());
          CHECK((p[1].variable.deferred_grad() == nullptr) == (made_before || json.find("clip") != std::string::npos));
          under_test->zero_grad();
          CHECK_FALSE(p[1].variable.has_grad());
        }
        ends.emplace_back(p[1].variable.value().values().begin(), p[1].variable.value().values().end());
        CHECK(ends.back() == ends.front());
      }
    }
    if (json != plain) continue;
    double worst = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
      for (std::int64_t j = 0; j < 301; ++j) {
        auto w = static_cast<double>(start.data()[i * 301 + j]);
        for (std::int64_t b = 0; b < 20; ++b) {
          w -= 0.2 * static_cast<double>(dy.data()[b * 300 + i]) * static_cast<double>(x.data()[b * 301 + j]);
        }
        worst = std::max(worst, std::abs(w - static_cast<double>(ends[0][static_cast<std::size_t>(i * 301 + j)])));
      }
    }
    CHECK(worst < 1e-5);
  }
  core::set_thread_count(2);
}

TEST_CASE("updates have the same bits on one thread and on four") {
  const core::Shape shape{300, 700};
  std::vector<std::vector<Scalar>> ends;
  for (const int threads : {1, 4}) {
    core::set_thread_count(threads);
    const std::vector<nn::Parameter> p{parameter("weight", random(shape, "w"))};
    const auto sgd = optimizer(R"({"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "clip_norm": 1,
                                   "max_squared_length": 5})",
                               p);
    for (int step = 0; step < 3; ++step) {
      set_grad(p[0], random(shape, "g"));
      sgd->step();
    }
    ends.emplace_back(p[0].variable.value().values().begin(), p[0].variable.value().values().end());
  }
  core::set_thread_count(2);
  CHECK(ends[0] == ends[1]);
}

TEST_CASE("in steady state a step takes no tensor storage from the system and copies no parameter") {
  const std::vector<nn::Parameter> p{parameter("weight", random({200, 300}, "w"))};
  const auto adam = optimizer(R"({"type": "adam", "clip_norm": 0.1, "clip_value": 1, "max_squared_length": 5})", p);
  nn::WeightAverage average(p, 0.9);
  const auto one_step = [&] {
    set_grad(p[0], random({200, 300}, "g"));
    adam->step();
    average.update();
    adam->zero_grad();
  };
  one_step();
  one_step();
  const Scalar* before = p[0].variable.value().data();
  const std::int64_t allocations = core::allocator_stats().system_allocations;
  for (int i = 0; i < 10; ++i) one_step();
  CHECK(core::allocator_stats().system_allocations == allocations);
  CHECK(p[0].variable.value().data() == before);
}

TEST_CASE(
    "numbers that are 0 or 1 in float32 are refused: nothing is divided by an epsilon of 0, no memory lasts for ever") {
  const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
  for (const char* json :
       {R"({"type": "adam", "epsilon": 1e-50})", R"({"type": "adamw", "epsilon": 1e-50})",
        R"({"type": "rmsprop", "epsilon": 1e-50})", R"({"type": "adam", "beta1": 0.99999999})",
        R"({"type": "adam", "beta2": 0.99999999})", R"({"type": "rmsprop", "alpha": 0.99999999})",
        R"({"type": "sgd", "momentum": 0.99999999})", R"({"type": "hinton", "momentum": 0.99999999})"}) {
    CAPTURE(json);
    CHECK_THROWS_AS(static_cast<void>(configured(registry, json)), core::ConfigError);
  }
  CHECK_THROWS_AS(nn::WeightAverage({}, 0.99999999), core::ConfigError);
  CHECK(static_cast<Scalar>(kLeastPositive) > 0);
  CHECK(static_cast<Scalar>(kMostBelowOne) < 1);
}

TEST_CASE("clipping by norm shortens all gradients to the limit and keeps their direction") {
  const std::vector<nn::Parameter> p{parameter("a", Tensor::zeros({1})), parameter("b", Tensor::zeros({2}))};
  set_grad(p[0], Tensor({1}, {3}));
  set_grad(p[1], Tensor({2}, {0, 4}));
  CHECK(nn::gradient_norm(p) == doctest::Approx(5));
  CHECK(nn::clip_gradient_norm(p, 10) == doctest::Approx(5));
  CHECK(p[0].variable.grad().data()[0] == 3);
  CHECK(nn::clip_gradient_norm(p, 1) == doctest::Approx(5));
  CHECK(p[0].variable.grad().data()[0] == doctest::Approx(0.6));
  CHECK(p[1].variable.grad().data()[1] == doctest::Approx(0.8));
}

TEST_CASE("gradients whose squares are beyond float are clipped, those that are not finite are left alone") {
  const std::vector<nn::Parameter> p{parameter("a", Tensor::zeros({40})), parameter("b", Tensor::zeros({1}))};
  for (const double size : {2e19, 3e38}) {  // 2e19² = 4e38 is infinite in float
    for (const double limit : {1.0, 1e-6}) {
      set_grad(p[0], Tensor::full({40}, static_cast<Scalar>(size)));
      set_grad(p[1], Tensor({1}, {static_cast<Scalar>(-3 * size / 10)}));
      const double norm = std::sqrt(40.09) * static_cast<double>(static_cast<Scalar>(size));
      CHECK(nn::clip_gradient_norm(p, limit) == doctest::Approx(norm));
      CHECK(p[0].variable.grad().data()[39] / limit == doctest::Approx(1 / std::sqrt(40.09)));
      CHECK(p[1].variable.grad().data()[0] / limit == doctest::Approx(-0.3 / std::sqrt(40.09)));
      CHECK(nn::gradient_norm(p) / limit == doctest::Approx(1));
    }
  }
  for (const Scalar broken : {std::numeric_limits<Scalar>::infinity(), std::numeric_limits<Scalar>::quiet_NaN()}) {
    set_grad(p[0], Tensor::full({40}, 2));
    set_grad(p[1], Tensor({1}, {broken}));
    CHECK_FALSE(std::isfinite(nn::clip_gradient_norm(p, 1)));
    CHECK(p[0].variable.grad().data()[39] == 2);
  }
}

TEST_CASE("clipping by value moves only elements beyond the limit") {
  const std::vector<nn::Parameter> p{parameter("a", Tensor::zeros({3}))};
  set_grad(p[0], Tensor({3}, {-2, 0.25, 2}));
  nn::clip_gradient_values(p, 0.5);
  CHECK(p[0].variable.grad().data()[0] == -0.5F);
  CHECK(p[0].variable.grad().data()[1] == 0.25F);
  CHECK(p[0].variable.grad().data()[2] == 0.5F);
}

TEST_CASE("the length limit shortens long incoming vectors to its root and leaves short ones and biases") {
  const std::vector<nn::Parameter> p{parameter("w", Tensor({2, 2}, {3, 4, 0.6F, 0.8F})),
                                     parameter("b", Tensor::full({2}, 9), nn::Role::kBias)};
  nn::limit_squared_lengths(p, 4);
  CHECK(p[0].variable.value().data()[0] == doctest::Approx(1.2));
  CHECK(p[0].variable.value().data()[1] == doctest::Approx(1.6));
  CHECK(p[0].variable.value().data()[2] == 0.6F);
  CHECK(p[1].variable.value().data()[0] == 9);
}

TEST_CASE("the length limit shortens rows whose squares are beyond float and leaves rows that are not finite") {
  const Scalar infinity = std::numeric_limits<Scalar>::infinity();
  const std::vector<nn::Parameter> p{parameter("w", Tensor({2, 2}, {3e19F, 4e19F, 1, infinity}))};
  nn::limit_squared_lengths(p, 4);
  CHECK(p[0].variable.value().data()[0] == doctest::Approx(1.2));
  CHECK(p[0].variable.value().data()[1] == doctest::Approx(1.6));
  CHECK(p[0].variable.value().data()[2] == 1);
  CHECK(p[0].variable.value().data()[3] == infinity);
}

TEST_CASE("the average of weights is decay^n·start + (1 − decay)·Σ decay^(n−i)·w_i, and can be swapped in and out") {
  const std::vector<nn::Parameter> p{parameter("w", Tensor::full({2}, 1))};
  nn::WeightAverage average(p, 0.75);
  double expected = 1;
  for (const double w : {2.0, 5.0, -3.0}) {
    p[0].variable.mutable_value() = Tensor::full({2}, static_cast<Scalar>(w));
    average.update();
    expected = 0.75 * expected + 0.25 * w;
  }
  average.swap();
  CHECK(p[0].variable.value().data()[0] == doctest::Approx(expected));
  average.swap();
  CHECK(p[0].variable.value().data()[0] == -3);
}

TEST_CASE("a parameter with half the rate moves as if the optimizer had half the rate") {
  for (const char* type : {"sgd", "adam", "adamw", "rmsprop", "hinton"}) {
    CAPTURE(type);
    const auto end = [&](double rate, double scale) {
      nn::Parameter p = parameter("scale", Tensor({3}, {1, -2, 3}), nn::Role::kWeight);
      p.learning_rate_scale = scale;
      const auto made = optimizer("{\"type\": \"" + std::string(type) +
                                      "\", \"weight_decay\": 0.1, \"learning_rate\": " + std::to_string(rate) + "}",
                                  {p});
      for (int step = 0; step < 5; ++step) {
        set_grad(p, Tensor({3}, {Scalar(0.5), 2, Scalar(-0.125)}));
        made->step();
      }
      const std::span<const Scalar> values = p.variable.value().values();
      return std::vector<Scalar>(values.begin(), values.end());
    };
    CHECK(end(0.125, 0.5) == end(0.0625, 1));
    CHECK(end(0.125, 0.5) != end(0.125, 1));
  }
}

TEST_CASE("nothing decays a quantizer's numbers, not even decay_all") {
  const nn::Parameter p = parameter("fc1.weight.scale", Tensor({2}, {1, 2}), nn::Role::kStep);
  const auto made = optimizer(R"({"type": "sgd", "weight_decay": 0.5, "decay_all": true})", {p});
  set_grad(p, Tensor::zeros({2}));
  made->step();
  CHECK(p.variable.value().values()[0] == 1);
  CHECK(p.variable.value().values()[1] == 2);
}

TEST_CASE("an average of weights takes a quantizer's numbers as they are") {
  const nn::Parameter p = parameter("fc1.weight.scale", Tensor({1}, {0}), nn::Role::kStep);
  nn::WeightAverage average({p}, 0.9);
  p.variable.set_value(Tensor({1}, {5}));
  average.update();
  average.swap();
  CHECK(p.variable.value().item() == 5);
}
