// Oracle: what the definitions of numerics and of program.hpp ask for, worked out by hand.
#include "tempera/quant/lower.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "quant/zoo.hpp"
#include "tempera/core/errors.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using quant_test::at;
using quant_test::weights_and;

std::string refusal(const std::string& layers, const core::Shape& input, const std::string& rules) {
  quant_test::Quantized it(layers, input, rules);
  try {
    static_cast<void>(lower(it.model, {}));
  } catch (const core::UnsupportedError& error) {
    return error.what();
  }
  return "lowered";
}

TEST_CASE("every instruction writes the next buffer, and reads earlier ones of the right shape") {
  for (const quant_test::Animal& animal : quant_test::zoo()) {
    CAPTURE(animal.name);
    quant_test::Quantized it(animal.layers, animal.input, animal.rules);
    const Program program = lower(it.model, {});
    REQUIRE(program.buffers.size() == program.instructions.size());
    CHECK(program.input == animal.input);
    CHECK(program.buffers.back().shape == it.model.output());
    for (std::size_t i = 0; i < program.instructions.size(); ++i) {
      CHECK(program.instructions[i].output == static_cast<int>(i));
      for (const int input : program.instructions[i].inputs) CHECK(input < static_cast<int>(i));
      CHECK(std::holds_alternative<program::Quantize>(program.instructions[i].operation) == (i == 0));
    }
  }
}

// What an instruction does with numbers, by kind. A new kind does not compile before it is said here.
struct Arithmetic {
  bool floats = false;                             // reads or makes them
  std::vector<std::optional<Requant>> requants{};  // where it goes from one scale to another
};
struct ArithmeticOf {
  Arithmetic operator()(const program::Quantize&) const { return {.floats = true}; }
  Arithmetic operator()(const program::Linear& op) const { return {.requants = {op.requant}}; }
  Arithmetic operator()(const program::Conv2d& op) const { return {.requants = {op.requant}}; }
  Arithmetic operator()(const program::Requantize& op) const { return {.requants = {op.requant}}; }
  Arithmetic operator()(const program::Concat& op) const { return {.requants = op.requants}; }
  Arithmetic operator()(const program::Clamp&) const { return {}; }
  Arithmetic operator()(const program::MaxPool2d&) const { return {}; }
  Arithmetic operator()(const program::AvgPool2d&) const { return {}; }        // int32 sums, an integer division
  Arithmetic operator()(const program::GlobalAvgPool2d&) const { return {}; }  // the same
  Arithmetic operator()(const program::Add&) const { return {}; }              // 64-bit fixed point
  Arithmetic operator()(const program::Reshape&) const { return {}; }
  Arithmetic operator()(const program::Lookup&) const { return {}; }  // integers, indexed by integers
};

TEST_CASE("no instruction behind the first touches a float, unless the config asks for float32 products by that name") {
  std::set<std::size_t> kinds;
  std::map<RequantMode, int> by_name;
  for (const quant_test::Animal& animal : quant_test::zoo()) {
    CAPTURE(animal.name);
    quant_test::Quantized it(animal.layers, animal.input, animal.rules);
    for (const std::optional<RequantMode> asked :
         {std::optional<RequantMode>(), std::optional(RequantMode::kSingle),
          std::optional(RequantMode::kGemmlowpDouble), std::optional(RequantMode::kFloat32)}) {
      LowerConfig config;
      if (asked) config.requant = *asked;
      const Program program = lower(it.model, config);
      for (const Instruction& instruction : program.instructions) {
        CAPTURE(instruction.layer);
        kinds.insert(instruction.operation.index());
        const Arithmetic does = std::visit(ArithmeticOf{}, instruction.operation);
        CHECK(does.floats == (&instruction == &program.instructions.front()));
        for (const std::optional<Requant>& requant : does.requants) {
          if (!requant || requant->thresholds) continue;  // sums stay as they are, or are compared with integers
          CHECK(requant->mode == config.requant);
          if (!asked) CHECK(requant->mode != RequantMode::kFloat32);
          ++by_name[requant->mode];
        }
      }
      // Logits are integers, whose scale alone is a float.
      CHECK((program.buffers.back().cell == Cell::kS32 || program.buffers.back().bits <= 16));
    }
  }
  CHECK(kRequantModes[static_cast<std::size_t>(RequantMode::kFloat32)] == "float32");
  CHECK(by_name.size() == std::size(kRequantModes));
  CHECK(kinds.size() == program::kOperationNames.size());  // the networks together have every kind
}

TEST_CASE("a requantization moves into the layer before it, through pooling and flattening") {
  const quant_test::Animal animal = quant_test::zoo()[6];
  REQUIRE(animal.name == "pooling before the site");
  quant_test::Quantized it(animal.layers, animal.input, animal.rules);
  const Program program = lower(it.model, {});
  REQUIRE(program.instructions.size() == 5);  // quantize, convolution, pooling, flatten, linear
  CHECK(std::get<program::Conv2d>(program.instructions[1].operation).requant);
  CHECK(program.buffers[1].cell == Cell::kU8);
  CHECK(program.buffers[3].site == "f.input");
  CHECK(!std::get<program::Linear>(program.instructions[4].operation).requant);
  CHECK(program.buffers[4].cell == Cell::kS32);
}

TEST_CASE("what cannot be lowered is refused with the layer, the reason and the sites that are missing") {
  const std::string two = R"({"type": "linear", "name": "fc1", "out": 3}, {"type": "relu", "name": "act1"},
                             {"type": "linear", "name": "fc2", "out": 2})";
  CHECK(refusal(two, {4}, weights_and("")) ==
        "linear \"fc2\": its input is not quantized: no rule takes \"act1.output\" or \"fc2.input\"");
  CHECK(refusal(two, {4}, R"({"rules": [{"sites": "act1.output", "quantizer": {"type": "uniform"}}]})") ==
        "linear \"fc1\": its weight is not quantized: no rule takes \"fc1.weight\"");
  CHECK(refusal(two, {4}, weights_and(at("act1.output"), R"("bits": 12)")) ==
        "linear \"fc1\": site \"fc1.weight\": integer products take weights of 2 to 8 bits, not of 12");
  CHECK(refusal(two, {4}, weights_and(at("act1.output"), R"("granularity": "per_group", "group": 2)"))
            .find("several scales within a channel") != std::string::npos);
  CHECK(refusal(two, {4}, weights_and(at("act1.output", R"("type": "uniform", "rounding": "floor")")))
            .find("site \"act1.output\": rounds down") != std::string::npos);
  CHECK(refusal(two, {4}, R"({"rules": [{"sites": "*.weight", "quantizer": {"type": "uniform"}},
                                        {"sites": "input"}, {"sites": "fc2.input", "quantizer": {"type": "uniform"}}]})") ==
        "linear \"fc1\": its input is not quantized: no rule takes \"input\" or \"fc1.input\"");
  CHECK(refusal(two + R"(, {"type": "softmax", "name": "p"})", {4}, weights_and(at("act1.output")))
            .find("softmax \"p\": a softmax is not needed") == 0);
  CHECK(refusal(two + R"(, {"type": "tanh", "name": "t"})", {4}, weights_and(at("act1.output") + at("fc2.output"))) ==
        "tanh \"t\": its output is not quantized: no rule takes \"t.output\"");
  CHECK(refusal(two + R"(, {"type": "relu6", "name": "r"})", {4}, weights_and(at("act1.output")))
            .find("relu6 \"r\": a clamp to [0, 6]") == 0);
}

TEST_CASE("a batch norm that cannot be folded says what is in its way") {
  const std::string normed = R"({"type": "linear", "name": "fc1", "out": 3}, {"type": "batch_norm", "name": "bn1"})";
  CHECK(refusal(normed, {4}, R"({"fold_batch_norm": false, )" + weights_and(at("fc1.output")).substr(1)) ==
        "batch_norm \"bn1\": is folded into the weights before it, which \"fc1.output\" between them prevents: no rule "
        "may take that site");
  CHECK(refusal(R"({"type": "batch_norm", "name": "bn1"}, {"type": "linear", "name": "fc1", "out": 3})", {4},
                weights_and(""))
            .find("batch_norm \"bn1\": ") == 0);
}

TEST_CASE("a rule between a layer and the batch norm folded into it is refused before training, with its place") {
  nn::Model model = nn::Model::planned(
      quant_test::layers_of(R"({"type": "linear", "name": "fc1", "out": 3}, {"type": "batch_norm", "name": "bn1"})"),
      {4});
  for (const char* site : {"fc1.output", "bn1.input"}) {
    try {
      static_cast<void>(plan(model, quant_test::rules_of(weights_and(at(site)))));
      FAIL_CHECK("no error for " << site);
    } catch (const core::ConfigError& error) {
      REQUIRE(error.issues().size() == 1);
      CHECK(error.issues()[0].pointer == "/rules/1/sites");
      CHECK(error.issues()[0].message.find(std::string("takes \"") + site + "\", which lies between \"fc1\" and") == 0);
    }
  }
  const std::string back = weights_and(at("fc1.output") + R"(, {"sites": "fc1.output"})");
  CHECK_NOTHROW(static_cast<void>(plan(model, quant_test::rules_of(back))));
}

TEST_CASE("an accumulator that could leave int32 is refused, and one that just cannot is not") {
  // Weights of ±127, inputs of up to 65 535: 258 products may exceed 2^31 − 1, 257 may not.
  const auto wide = [](int inputs) {
    return refusal(
        R"({"type": "linear", "name": "fc", "out": 1, "bias": false, "init": {"type": "constant", "value": 1}})",
        {inputs}, R"({"rules": [
      {"sites": "input", "quantizer": {"type": "uniform", "bits": 16, "signed": false, "scale": 1}},
      {"sites": "*.weight", "quantizer": {"type": "uniform", "scale": 0.001}}]})");
  };
  CHECK(std::int64_t{257} * 127 * 65535 < (std::int64_t{1} << 31));
  CHECK(wide(257) == "lowered");
  CHECK(wide(300).find("linear \"fc\": output 0: 300 products") == 0);
}

TEST_CASE("a bias beyond its accumulator saturates and is counted") {
  nn::ModelConfig config = quant_test::layers_of(R"({"type": "linear", "name": "fc", "out": 2})");
  nn::Model model(config, {1}, 1);
  model.parameters()[0].variable.set_value(core::Tensor({2, 1}, {1, 1}));
  model.parameters()[1].variable.set_value(core::Tensor({2}, {Scalar{1e6}, static_cast<Scalar>(-0.3)}));
  attach(model, quant_test::rules_of(R"({"rules": [{"sites": "*", "quantizer": {"type": "uniform", "scale": 0.01}},
                                             {"sites": "fc.output"}, {"sites": "fc.input"}]})"));
  LowerReport report;
  const Program program = lower(model, {}, &report);
  const auto& linear = std::get<program::Linear>(program.instructions[1].operation);
  CHECK(report.saturated_biases == 1);
  CHECK(linear.weight.values == std::vector<std::int8_t>{100, 100});
  // ±(2^31 − 1) less what 100·255 may add; −0.3 / 0.0001 exactly.
  CHECK(linear.bias == std::vector<std::int32_t>{2147483647 - 25500, -3000});
}

TEST_CASE("a batch norm folds into weights, bias and sign, and γ = 0 or σ² = 0 stay finite") {
  for (const char* fold : {"true", "false"}) {
    CAPTURE(std::string(fold));
    nn::Model model(
        quant_test::layers_of(R"({"type": "linear", "name": "fc", "out": 3}, {"type": "batch_norm", "name": "bn"})"),
        {2}, 1);
    const auto set = [&](std::size_t i, const core::Tensor& value) { model.parameters()[i].variable.set_value(value); };
    set(0, core::Tensor({3, 2}, {1, -2, 1, -2, 1, -2}));
    set(1, core::Tensor({3}, {3, 3, 3}));
    set(2, core::Tensor({3}, {0, -2, 1}));                                // γ
    set(3, core::Tensor({3}, {Scalar{0.5}, Scalar{0.5}, Scalar{0.5}}));   // β
    model.buffers()[0].variable.set_value(core::Tensor({3}, {1, 1, 1}));  // μ
    model.buffers()[1].variable.set_value(core::Tensor({3}, {1, 4, 0}));  // σ²
    attach(model, quant_test::rules_of(std::string(R"({"fold_batch_norm": )") + fold + R"(, "rules": [
        {"sites": "fc.weight", "quantizer": {"type": "uniform", "granularity": "per_channel"}},
        {"sites": "input", "quantizer": {"type": "uniform", "signed": true, "scale": 1}}]})"));
    quant_test::calibrate_on(model, core::Tensor({1, 2}, {1, 1}));
    const Program program = lower(model, {});
    const auto& linear = std::get<program::Linear>(program.instructions[1].operation);
    // Rows of ±(½, 1)·amax: 64 and 127. f = 0, −1, 1/√ε.
    CHECK(linear.weight.values == std::vector<std::int8_t>{0, 0, -64, 127, 64, -127});
    CHECK(linear.weight.zero_points.empty());
    const std::vector<float>& scale = program.buffers[1].scale;
    REQUIRE(scale.size() == 3);
    const double f = 1 / std::sqrt(1e-5);
    CHECK(static_cast<double>(scale[1]) == doctest::Approx(2.0 / 127));
    CHECK(static_cast<double>(scale[2]) == doctest::Approx(2.0 * f / 127));
    // β + f·(b − μ) = 0.5, −1.5, 0.5 + 2f, in units of the accumulator.
    const double real[]{0.5, -1.5, 0.5 + 2 * f};
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(std::abs(linear.bias[c] * static_cast<double>(scale[c]) - real[c]) <= 0.51 * static_cast<double>(scale[c]));
    }
  }
}

}  // namespace
