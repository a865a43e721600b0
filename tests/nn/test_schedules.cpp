#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "nn/configured.hpp"
#include "tempera/nn/schedule.hpp"

using namespace tempera;

namespace {

nn::Schedule schedule(const std::string& json) {
  const nn::ScheduleRegistry& registry = nn::ScheduleRegistry::builtin();
  return registry.make(*configured(registry, json));
}

double at(const std::string& json, double base, double epoch, double epochs = 10) {
  return schedule(json).at(base, epoch, epochs);
}

}  // namespace

TEST_CASE("a schedule acts on the learning rate unless it names another target") {
  CHECK(schedule(R"({"type": "cosine"})").target() == "optimizer.learning_rate");
  CHECK(schedule(R"({"type": "linear", "target": "optimizer.momentum"})").target() == "optimizer.momentum");
}

TEST_CASE("a constant stays the same, before, at and beyond the end") {
  for (const double epoch : {0.0, 3.7, 10.0, 12.0}) CHECK(at(R"({"type": "constant"})", 0.3, epoch) == 0.3);
}

TEST_CASE("step multiplies at its epochs, not before") {
  const char* listed = R"({"type": "step", "factor": 0.1, "at": [5, 8]})";
  CHECK(at(listed, 1, 4.999) == 1);
  CHECK(at(listed, 1, 5) == doctest::Approx(0.1));
  CHECK(at(listed, 1, 8) == doctest::Approx(0.01));
  const char* regular = R"({"type": "step", "factor": 0.5, "every": 2})";
  CHECK(at(regular, 1, 1.99) == 1);
  CHECK(at(regular, 1, 2) == 0.5);
  CHECK(at(regular, 1, 9) == doctest::Approx(std::pow(0.5, 4)));
}

TEST_CASE("exponential is base·decay^epoch, by whole epochs if asked, and keeps its limit") {
  const double expected = 10 * std::pow(0.998, 2.5);
  CHECK(at(R"({"type": "exponential", "decay": 0.998})", 10, 2.5) == doctest::Approx(expected));
  const double stair = 10 * std::pow(0.998, 2);
  CHECK(at(R"({"type": "exponential", "decay": 0.998, "staircase": true})", 10, 2.5) == doctest::Approx(stair));
  CHECK(at(R"({"type": "exponential", "decay": 2, "limit": 50})", 10, 5) == 50);
  CHECK(at(R"({"type": "exponential", "decay": 0.5, "limit": 1})", 10, 5) == 1);
}

TEST_CASE("linear takes the momentum of Hinton et al. from 0.5 to 0.99 over 500 epochs and keeps it there") {
  const char* json = R"({"type": "linear", "from": 0.5, "to": 0.99, "over_epochs": 500})";
  CHECK(at(json, 0.1, 0, 3000) == 0.5);
  CHECK(at(json, 0.1, 250, 3000) == doctest::Approx(0.745));
  CHECK(at(json, 0.1, 500, 3000) == doctest::Approx(0.99));
  CHECK(at(json, 0.1, 2999, 3000) == doctest::Approx(0.99));
}

TEST_CASE("linear without a length ends with training") {
  CHECK(at(R"({"type": "linear", "to": 2})", 1, 5) == doctest::Approx(1.5));
  CHECK(at(R"({"type": "linear", "to": 2})", 1, 10) == doctest::Approx(2));
}

TEST_CASE("cosine begins at the number, is half-way in the middle and ends at its end") {
  const char* json = R"({"type": "cosine", "to": 0.2})";
  CHECK(at(json, 1, 0) == doctest::Approx(1));
  CHECK(at(json, 1, 2.5) == doctest::Approx(0.2 + 0.8 * (1 + std::cos(std::numbers::pi / 4)) / 2));
  CHECK(at(json, 1, 5) == doctest::Approx(0.6));
  CHECK(at(json, 1, 10) == doctest::Approx(0.2));
  CHECK(at(json, 1, 11) == doctest::Approx(0.2));
}

TEST_CASE("a warm-up rises linearly to where the curve begins, and cosine spans the rest") {
  const char* json = R"({"type": "cosine", "warmup_epochs": 2, "warmup_from": 0.25})";
  CHECK(at(json, 1, 0) == doctest::Approx(0.25));
  CHECK(at(json, 1, 1) == doctest::Approx(0.625));
  CHECK(at(json, 1, 2) == doctest::Approx(1));
  CHECK(at(json, 1, 6) == doctest::Approx(0.5));
  CHECK(at(json, 1, 10) == doctest::Approx(0));
}

TEST_CASE("a warm-up as long as training or longer neither divides by zero nor overshoots") {
  CHECK(at(R"({"type": "cosine", "warmup_epochs": 10})", 1, 10) == doctest::Approx(1));
  CHECK(at(R"({"type": "linear", "warmup_epochs": 20, "warmup_from": 0})", 1, 5) == doctest::Approx(0.25));
}
