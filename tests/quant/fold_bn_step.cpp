// A step of training through a weight that is quantized with its batch norm folded in. Oracle: PyTorch's autograd of the papers'
// equations, of batches whose statistics are far from the running ones (tests/golden/make_fold_bn.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "quant/quantized_model.hpp"
#include "tempera/core/variable.hpp"

namespace {

using namespace tempera;
using nlohmann::json;

// Of the case without clamped weights: at most half a step, 1/32, of weights about 0.5, which partly cancel in a sum of 18.
constexpr double kRounding = 0.05;

core::Shape shape_in(const json& extents) {
  const auto numbers = extents.get<std::vector<std::int64_t>>();
  return core::Shape(std::span<const std::int64_t>(numbers));
}

core::Tensor tensor_in(const core::Shape& shape, const json& values) {
  core::Tensor tensor(shape);
  for (std::size_t i = 0; i < values.size(); ++i) {
    tensor.mutable_values()[i] = static_cast<Scalar>(values[i].get<double>());
  }
  return tensor;
}

// The largest difference as a share of the largest number expected.
double share_apart(const core::Tensor& got, const json& expected) {
  REQUIRE(got.values().size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto number = expected[i].get<double>();
    difference = std::max(difference, std::abs(static_cast<double>(got.values()[i]) - number));
    largest = std::max(largest, std::abs(number));
  }
  return difference / largest;
}

// The layer of a case and its batch norm, with its numbers, and the quantizer of its weight.
nn::Model folded_layer(const json& c) {
  const core::Shape weight = shape_in(c["weight_shape"]), x = shape_in(c["x_shape"]);
  const std::span<const std::int64_t> sample = x.extents().subspan(1);
  json layer{{"type", c["layer"]}, {"name", "layer"}, {"out", weight[0]}};
  if (c["layer"] == "conv2d") layer.update({{"kernel", 3}, {"padding", 1}, {"groups", c["groups"]}});
  nn::Model model(quant_test::layers_of(layer.dump() + R"(, {"type": "batch_norm", "name": "norm"})"),
                  core::Shape(sample), 1);
  for (const nn::Parameter& p : model.parameters()) {
    const std::string name = p.name == "norm.bias" ? "shift" : p.name.substr(p.name.find('.') + 1);
    nn::Variable variable = p.variable;
    variable.set_value(tensor_in(p.shape, c[name]));
  }
  for (const nn::Buffer& b : model.buffers()) {
    nn::Variable variable = b.variable;
    variable.set_value(tensor_in(b.variable.shape(), c[b.name.substr(b.name.find('.') + 1)]));
  }
  const json quantizer{{"type", "uniform"}, {"bits", c["bits"]}, {"scale", c["scale"]}};
  quant::attach(
      model,
      quant_test::rules_of(
          json{{"rules", {{{"sites", "input"}}, {{"sites", "layer.weight"}, {"quantizer", quantizer}}}}}.dump()));
  return model;
}

// One step of a case, before the freeze or after it, compared with what `expected` says of that phase.
void check_step(const json& c, const json& expected, bool frozen) {
  nn::Model model = folded_layer(c);
  core::Variable x(tensor_in(shape_in(c["x_shape"]), c["x"]), true);
  nn::ForwardContext context{.training = true, .batch_statistics = !frozen};
  const core::Variable y = model.forward(x, context);
  CHECK(share_apart(y.value(), expected["y"]) < 1e-5);
  core::backward(y, tensor_in(y.shape(), c["dy"]));
  const json& gradients = expected["gradients"];
  CHECK(share_apart(x.grad(), gradients["x"]) < 1e-5);
  for (const nn::Parameter& p : model.parameters()) {
    const std::string name = p.name == "norm.bias" ? "shift" : p.name.substr(p.name.find('.') + 1);
    CAPTURE(name);
    if (name == "bias" && !frozen) {  // the batch's mean takes it away
      for (const Scalar g : p.variable.grad().values()) CHECK(std::abs(static_cast<double>(g)) < 1e-4);
      continue;
    }
    CHECK(share_apart(p.variable.grad(), gradients[name]) < 1e-5);
    // The estimator's own derivative by γ differs by what rounding took from the weights, and where they are clamped.
    if (name == "gain" && !c["clamps"].get<bool>())
      CHECK(share_apart(p.variable.grad(), expected["gain_straight"]) < kRounding);
  }
  for (const nn::Buffer& b : model.buffers()) {
    if (!b.name.starts_with("norm.")) continue;  // the quantizer's
    const std::string name = b.name.substr(b.name.find('.') + 1);
    CHECK(share_apart(b.variable.value(), frozen ? c[name] : expected[name]) < 1e-5);
  }
}

json golden_cases() {
  std::ifstream file(TEMPERA_SOURCE_DIR "/tests/golden/fold_bn.json");
  return json::parse(file)["cases"];
}

TEST_CASE(
    "a step through a folded weight is the papers', corrected by σ/σ_B before the freeze and by nothing after it") {
  const json all = golden_cases();
  REQUIRE(all.size() == 6);
  for (const json& c : all) {
    CAPTURE(c["layer"].get<std::string>());
    CAPTURE(c["bits"].get<int>());
    CAPTURE(c["groups"].get<int>());
    check_step(c, c["batch"], false);
    check_step(c, c["frozen"], true);
  }
}

TEST_CASE("folding without the correction would be far off, and a batch's statistics by weights in floats are near") {
  for (const json& c : golden_cases()) {
    nn::Model model = folded_layer(c);
    nn::ForwardContext context{.training = true};
    const core::Tensor y = model.forward(core::Variable(tensor_in(shape_in(c["x_shape"]), c["x"])), context).value();
    CHECK(share_apart(y, c["batch"]["y_uncorrected"]) > 0.3);
    // Jacob et al. take them of a second convolution; clamped weights, and 4 bits, leave more between the two.
    if (!c["clamps"].get<bool>()) CHECK(share_apart(y, c["batch"]["y_float_statistics"]) < kRounding);
  }
}

}  // namespace
