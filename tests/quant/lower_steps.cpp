// Learned steps in the lowered program. Oracle: thresholds worked out by hand, and what numerics ask for.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "quant/zoo.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/exact_forward.hpp"
#include "tempera/quant/lower.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using quant_test::at;
using quant_test::kBoth;
using quant_test::learned;
using quant_test::weights_and;

const std::string kTwo = R"({"type": "linear", "name": "fc1", "out": 2}, {"type": "relu", "name": "act1"},
                            {"type": "linear", "name": "fc2", "out": 2})";

const core::Variable& number(const nn::Model& model, const std::string& name) {
  static core::Variable found;
  for (const nn::Parameter& p : model.parameters()) {
    if (p.name == name) found = p.variable;
  }
  return found;
}

// fc1 has weights (1, −½) and (¼, ½) and biases 0; α = 3, so δ = 1; thresholds −¼, ½, 1¾.
nn::Model by_hand(const std::string& weight) {
  nn::Model model(quant_test::layers_of(kTwo), {2}, 1);
  number(model, "fc1.weight").set_value(core::Tensor({2, 2}, {1, -0.5, 0.25, 0.5}));
  number(model, "fc1.bias").set_value(core::Tensor({2}, {0, 0}));
  attach(model, quant_test::rules_of(
                    R"({"rules": [{"sites": "*.weight", "quantizer": {"type": "uniform", )" + weight +
                    R"(}}, {"sites": "input", "quantizer": {"type": "uniform", "signed": true, "scale": 0.25}},
                       {"sites": "act1.output", "quantizer": {"type": "smoothed_sigmoid", "bits": 2, "alpha": 3,
                                                              "biases": "learned"}}]})"));
  number(model, "act1.output.biases").set_value(core::Tensor({3}, {1.75, -0.25, 0.5}));
  quant_test::calibrate_on(model, core::Tensor({1, 2}, {1, 1}));
  return model;
}

TEST_CASE("thresholds become the first accumulators that reach them, once for one scale and by channel for several") {
  // Steps of the accumulator: ¼ · 1/127, and ¼ · ½/127 in the second channel. ReLU leaves 0 and above: −¼ is always reached.
  const auto first = [](double t, float weight) {
    return static_cast<std::int32_t>(std::ceil(t / (0.25 * static_cast<double>(weight))));
  };
  for (const std::string granularity : {"per_tensor", "per_channel"}) {
    CAPTURE(granularity);
    const nn::Model model = by_hand("\"granularity\": \"" + granularity + "\"");
    const Program program = lower(model, {});
    const auto& requant = *std::get<program::Linear>(program.instructions[1].operation).requant;
    REQUIRE(requant.thresholds);
    CHECK(requant.multipliers.empty());
    CHECK(requant.low == 1);
    CHECK(requant.high == 3);
    std::vector<std::int32_t> expected{first(0.5, 1.0F / 127), first(1.75, 1.0F / 127)};
    if (granularity == "per_channel") {
      expected.push_back(first(0.5, 0.5F / 127));
      expected.push_back(first(1.75, 0.5F / 127));
    }
    CHECK(requant.thresholds->values == expected);
    CHECK(requant.thresholds->directions == std::vector<std::int32_t>{1});
    // What follows sees a grid like any other.
    const ProgramBuffer& buffer = program.buffers[1];
    CHECK(buffer.site == "act1.output");
    CHECK(buffer.cell == Cell::kU8);
    CHECK(buffer.scale == std::vector<float>{1});
    CHECK(buffer.zero_point == 0);
  }
}

TEST_CASE("a value on a threshold has reached it on every road") {
  nn::Model model = by_hand(R"("scale": 0.015625)");
  // Powers of two throughout, so that the sums of the first channel are ½, ¼ and 1¾ exactly.
  const core::Tensor x({3, 2}, {0.5, 0, 0.25, 0, 1.75, 0});
  std::vector<std::int32_t> seen;
  static_cast<void>(ExactForward(model, {}).logits(x, [&](const std::string& site, const IntTensor& value) {
    if (site == "act1.output") seen = value.values;
  }));
  REQUIRE(seen.size() == 6);
  CHECK(seen[0] == 2);
  CHECK(seen[2] == 1);
  CHECK(seen[4] == 3);
  const Program program = lower(model, {});
  std::vector<std::int32_t> reference;
  static_cast<void>(run_reference(program, x, [&](std::size_t i, const IntTensor& value) {
    if (i == 1) reference = value.values;
  }));
  CHECK(reference == seen);
}

TEST_CASE("learned steps of a weight change its integers and nothing else of the program") {
  quant_test::Quantized even(kTwo, {4}, weights_and(at("act1.output"), R"("bits": 4)"));
  quant_test::Quantized steps(
      kTwo, {4},
      R"({"rules": [{"sites": "*.weight", "quantizer": {)" + learned(4, kBoth) + "}}" + at("act1.output") + "]}");
  const Program a = lower(even.model, {}), b = lower(steps.model, {});
  REQUIRE(a.instructions.size() == b.instructions.size());
  const auto& linear = std::get<program::Linear>(b.instructions[1].operation);
  CHECK_FALSE(linear.requant->thresholds);
  CHECK(linear.weight.bits == 4);
  CHECK(linear.weight.zero_points.empty());
  CHECK(linear.weight.values != std::get<program::Linear>(a.instructions[1].operation).weight.values);
}

std::string refusal(const std::string& layers, const core::Shape& input, const std::string& rules, bool exact) {
  quant_test::Quantized it(layers, input, rules);
  try {
    if (exact) {
      static_cast<void>(ExactForward(it.model, {}));
    } else {
      static_cast<void>(lower(it.model, {}));
    }
  } catch (const core::UnsupportedError& error) {
    return error.what();
  }
  return "lowered";
}

TEST_CASE("learned steps where nothing can be compared are refused with layer and reason, on both roads") {
  const std::string residual = R"({"type": "linear", "name": "f", "out": 4},
      {"type": "residual", "name": "r", "layers": [{"type": "linear", "name": "g", "out": 4}]},
      {"type": "linear", "name": "h", "out": 2})";
  for (const bool exact : {false, true}) {
    CAPTURE(exact);
    const std::string input =
        refusal(kTwo, {4}, weights_and(at("input", learned(4, kBoth)) + at("act1.output")), exact);
    CHECK(input.find("compares sums of products, or integers, with thresholds; it cannot take samples") !=
          std::string::npos);
    const std::string sum =
        refusal(residual, {4}, weights_and(at("f.output") + at("r.output", learned(4, kBoth))), exact);
    CHECK(sum.find("residual \"r\"") != std::string::npos);
    CHECK(sum.find("it cannot take a sum of two scales") != std::string::npos);
  }
}

}  // namespace
