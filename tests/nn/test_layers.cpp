// Oracles: values worked out by hand or by the plainest loops over the definition.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/matmul.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/model.hpp"

namespace {

using namespace tempera;
using core::Shape;
using core::Tensor;
using nn::Model;

nn::ModelConfig config_of(const std::string& layer) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": [)" + layer + "]}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

Tensor run(Model& model, const Tensor& x, nn::ForwardContext context = {}) {
  return model.forward(core::Variable(x), context).value();
}
Tensor run(const std::string& layer, const Tensor& x) {
  Model model(config_of(layer), x.shape().without_batch(), 1);
  return run(model, x);
}

Tensor counted(const Shape& shape) {
  Tensor t(shape);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.mutable_data()[i] = static_cast<Scalar>(i);
  return t;
}

void check_values(const Tensor& actual, const std::vector<double>& expected) {
  REQUIRE(actual.values().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(static_cast<double>(actual.values()[i]) == doctest::Approx(expected[i]).epsilon(1e-5));
  }
}

std::string complaint(const std::string& layer, const Shape& input) {
  try {
    static_cast<void>(Model::planned(config_of(layer), input));
  } catch (const nn::LayerShapeError& error) {
    return error.what();
  }
  return "no error";
}

Shape shape_of(const std::string& layer, const Shape& input) {
  return Model::planned(config_of(layer), input).output();
}

TEST_CASE("linear multiplies by the transposed weight [out, in] and adds the bias") {
  Model model(config_of(R"({"type": "linear", "out": 2})"), {3}, 1);
  model.parameters()[0].variable.set_value(Tensor({2, 3}, {1, 2, 3, 10, 20, 30}));
  model.parameters()[1].variable.set_value(Tensor({2}, {0.5, -1}));
  check_values(run(model, Tensor({2, 3}, {1, 1, 1, 0, 0, 2})), {6.5, 59, 6.5, 59});
}

TEST_CASE(
    "linear and conv2d evaluate with the weights there are, however often, whoever changed them, and with training "
    "between") {
  // By panels that are kept, and by filters of F(4×4, 3×3) that are.
  struct Case {
    std::string layer;
    Shape input, x;
    std::function<Tensor(const core::Variable&, const core::Variable&, const core::Variable&)> once;
  };
  const std::vector<Case> cases{
      {R"({"type": "linear", "out": 24})",
       {40},
       {70, 40},
       [](const auto& x, const auto& w, const auto& b) { return core::linear(x, w, b).value(); }},
      {R"({"type": "conv2d", "out": 3, "kernel": 3, "algorithm": "winograd_4x4"})",
       {2, 9, 8},
       {2, 2, 9, 8},
       [](const auto& x, const auto& w, const auto& b) {
         return core::conv2d(x, w, b, {.algorithm = core::ConvAlgorithm::kWinograd4x4}).value();
       }}};
  for (const Case& c : cases) {
    CAPTURE(c.layer);
    Model model(config_of(c.layer), c.input, 1);
    const Tensor x = counted(c.x);
    const core::Variable weight = model.parameters()[0].variable, bias = model.parameters()[1].variable;
    const auto check = [&] {
      const Tensor now = c.once(core::Variable(x), weight, bias);
      for (int i = 0; i < 2; ++i) CHECK(std::ranges::equal(run(model, x).values(), now.values()));
    };
    check();
    weight.mutable_value().mutable_values()[3] += 1;  // in place, as an optimizer does
    check();
    weight.set_value(counted(weight.shape()));
    check();
    static_cast<void>(run(model, x, {.training = true}));
    const Scalar* before = weight.value().data();
    weight.mutable_value().mutable_values()[5] = -2;
    CHECK(weight.value().data() == before);  // nothing kept shares it in training, so that nothing had to be copied
    check();
  }
}

TEST_CASE("a depthwise convolution with stride, padding and dilation is the loop of its definition") {
  Model model(
      config_of(R"({"type": "conv2d", "out": 2, "kernel": 2, "stride": 2, "padding": 1, "dilation": 2, "groups": 2})"),
      {2, 5, 4}, 1);
  const Tensor x = counted({1, 2, 5, 4}), y = run(model, x);
  const Tensor w = model.parameters()[0].variable.value(), b = model.parameters()[1].variable.value();
  REQUIRE(w.shape() == Shape{2, 1, 2, 2});
  REQUIRE(y.shape() == Shape{1, 2, 3, 2});
  std::vector<double> expected;
  for (int c = 0; c < 2; ++c) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 2; ++j) {
        double sum = static_cast<double>(b.data()[c]);
        for (int tap = 0; tap < 4; ++tap) {
          const int row = 2 * i - 1 + 2 * (tap / 2), column = 2 * j - 1 + 2 * (tap % 2);
          if (row < 0 || row >= 5 || column < 0 || column >= 4) continue;
          sum += static_cast<double>(w.data()[4 * c + tap]) * (20 * c + 4 * row + column);
        }
        expected.push_back(sum);
      }
    }
  }
  check_values(y, expected);
}

TEST_CASE("convolution and pooling give the sizes of the formula, rounded down") {
  CHECK(shape_of(R"({"type": "conv2d", "out": 20, "kernel": 5})", {1, 28, 28}) == Shape{20, 24, 24});
  CHECK(shape_of(R"({"type": "conv2d", "out": 4, "kernel": 3, "stride": 2, "padding": 1})", {3, 8, 7}) ==
        Shape{4, 4, 4});
  CHECK(shape_of(R"({"type": "max_pool2d", "size": 2})", {20, 25, 24}) == Shape{20, 12, 12});
  CHECK(shape_of(R"({"type": "avg_pool2d", "size": 3, "stride": 1, "padding": 1})", {2, 5, 6}) == Shape{2, 5, 6});
  CHECK(shape_of(R"({"type": "global_avg_pool2d"})", {7, 5, 6}) == Shape{7});
}

// Windows that planning refuses are left out.
void check_planned(const std::string& layer, const Shape& image) {
  CAPTURE(layer);
  CAPTURE(image.text());
  Shape planned;
  try {
    planned = shape_of(layer, image);
  } catch (const nn::LayerShapeError&) {
    return;
  }
  Model model(config_of(layer), image, 1);
  CHECK(run(model, Tensor::zeros(image.with_batch(2))).shape() == planned.with_batch(2));
}

TEST_CASE("for every small image and window, forward gives the planned size") {
  for (int code = 0; code < 4 * 3 * 3 * 3 * 3; ++code) {
    const int kernel = 1 + code % 4, stride = 1 + code / 4 % 3, padding = code / 12 % 3, dilation = 1 + code / 36 % 3;
    const Shape image{2, 3 + code / 108, 5};
    check_planned(
        fmt::format(R"({{"type": "conv2d", "out": 3, "kernel": {}, "stride": {}, "padding": {}, "dilation": {}}})",
                    kernel, stride, padding, dilation),
        image);
    if (2 * padding > kernel) continue;
    for (const char* type : {"max_pool2d", "avg_pool2d"}) {
      check_planned(
          fmt::format(R"({{"type": "{}", "size": {}, "stride": {}, "padding": {}}})", type, kernel, stride, padding),
          image);
    }
  }
}

TEST_CASE("multiply-adds of a convolution count every tap of every output") {
  const auto count = [](const std::string& layer, const Shape& input) {
    return Model::planned(config_of(layer), input).facts().multiply_adds;
  };
  CHECK(count(R"({"type": "conv2d", "out": 50, "kernel": 5})", {20, 12, 12}) == 50 * 8 * 8 * 20 * 25);
  CHECK(count(R"({"type": "conv2d", "out": 6, "kernel": 3, "groups": 3})", {3, 5, 5}) == 6 * 3 * 3 * 9);
}

TEST_CASE("a window larger than the image is refused with both sizes") {
  CHECK(complaint(R"({"type": "conv2d", "name": "c", "out": 2, "kernel": 7})", {1, 5, 6}) ==
        "conv2d \"c\": the window covers 7x7 pixels, the image has 5x6");
  CHECK(
      complaint(R"({"type": "conv2d", "name": "c", "out": 2, "kernel": 3, "dilation": 4, "padding": 1})", {1, 5, 6}) ==
      "conv2d \"c\": the window covers 9x9 pixels, the image has 5x6 and 1 of padding on each side");
  CHECK(complaint(R"({"type": "max_pool2d", "size": 3})", {4, 2, 2}).find("3x3") != std::string::npos);
}

TEST_CASE("groups that do not divide the channels are refused with the three numbers") {
  CHECK(complaint(R"({"type": "conv2d", "name": "c", "out": 4, "kernel": 1, "groups": 3})", {6, 5, 5}) ==
        "conv2d \"c\": \"groups\" must divide the 6 input and 4 output channels, received 3");
}

TEST_CASE("a Winograd algorithm is refused by the layer whose shape it cannot compute, with the four numbers") {
  CHECK(
      complaint(R"({"type": "conv2d", "name": "c", "out": 4, "kernel": 5, "algorithm": "winograd_4x4"})", {6, 9, 9}) ==
      "conv2d \"c\": \"algorithm\": winograd_4x4 needs kernel 3, stride 1, dilation 1 and groups 1, received 5, 1, 1 "
      "and 1");
  for (const char* what : {R"("stride": 2)", R"("dilation": 2)", R"("groups": 2)"}) {
    const std::string layer = R"({"type": "conv2d", "out": 4, "kernel": 3, "algorithm": "winograd_2x2", )";
    CHECK(complaint(layer + what + "}", {6, 9, 9}).find("winograd_2x2 needs") != std::string::npos);
  }
  CHECK(complaint(R"({"type": "conv2d", "out": 4, "kernel": 5, "algorithm": "direct"})", {6, 9, 9}) == "no error");
}

TEST_CASE("a convolution of signs is a whole number where sums are direct, and is rounded by Winograd's algorithm") {
  Tensor x({2, 32, 14, 14});
  core::Random(1, "signs").fill_normal(x.mutable_values(), 0, 1);
  for (Scalar& value : x.mutable_values()) value = value < 0 ? Scalar{-1} : Scalar{1};
  const auto sums_of = [&](const std::string& algorithm) {
    Model model(
        config_of(R"({"type": "conv2d", "out": 32, "kernel": 3, "bias": false, "algorithm": ")" + algorithm + "\"}"),
        {32, 14, 14}, 1);
    for (Scalar& w : model.parameters()[0].variable.mutable_value().mutable_values()) {
      w = w < 0 ? Scalar{-1} : Scalar{1};
    }
    return run(model, x);
  };
  const auto whole = [](const Tensor& y) {
    return std::ranges::all_of(y.values(), [](Scalar value) { return value == std::nearbyint(value); });
  };
  CHECK(whole(sums_of("direct")));
  CHECK_FALSE(whole(sums_of("auto")));
  CHECK_FALSE(whole(sums_of("winograd_4x4")));
}

TEST_CASE("image layers say which shape they expect when they get rows") {
  for (const char* layer : {R"({"type": "conv2d", "out": 2, "kernel": 1})", R"({"type": "max_pool2d"})",
                            R"({"type": "avg_pool2d"})", R"({"type": "global_avg_pool2d"})"}) {
    CHECK(complaint(layer, {784}).find("expects a sample of shape [channels, height, width], received [784]") !=
          std::string::npos);
  }
}

TEST_CASE("pooling takes the largest or the mean of each window, and the mean ignores padding") {
  const Tensor x = counted({1, 1, 4, 4});
  check_values(run(R"({"type": "max_pool2d"})", x), {5, 7, 13, 15});
  check_values(run(R"({"type": "avg_pool2d"})", x), {2.5, 4.5, 10.5, 12.5});
  check_values(run(R"({"type": "avg_pool2d", "padding": 1})", x), {0, 1.5, 3, 6, 7.5, 9, 12, 13.5, 15});
  check_values(run(R"({"type": "global_avg_pool2d"})", x), {7.5});
  CHECK_THROWS_AS(config_of(R"({"type": "max_pool2d", "size": 2, "padding": 2})"), core::ConfigError);
}

TEST_CASE("batch norm's running statistics move by momentum towards the mean and the unbiased variance") {
  Model model(config_of(R"({"type": "batch_norm", "momentum": 0.25})"), {2}, 1);
  const Tensor x({4, 2}, {1, 10, 3, 10, 5, 14, 7, 14});  // means 4 and 12, Σ of squared distances 20 and 16
  check_values(run(model, x, {.training = true}),
               {-3 / std::sqrt(5.0), -1, -1 / std::sqrt(5.0), -1, 1 / std::sqrt(5.0), 1, 3 / std::sqrt(5.0), 1});
  REQUIRE(model.buffers().size() == 2);
  check_values(model.buffers()[0].variable.value(), {1, 3});
  check_values(model.buffers()[1].variable.value(), {0.75 + 0.25 * 20 / 3, 0.75 + 0.25 * 16 / 3});
  // Evaluation uses them and leaves them as they are.
  const Tensor y = run(model, Tensor({1, 2}, {1, 3}));
  check_values(y, {0, 0});
  check_values(model.buffers()[0].variable.value(), {1, 3});
}

TEST_CASE("batch norm of images shares its statistics over each channel's pixels") {
  Model model(config_of(R"({"type": "batch_norm", "momentum": 1})"), {2, 1, 2}, 1);
  static_cast<void>(run(model, Tensor({2, 2, 1, 2}, {0, 2, 5, 5, 4, 6, 5, 9}), {.training = true}));
  check_values(model.buffers()[0].variable.value(), {3, 6});
  check_values(model.buffers()[1].variable.value(), {20.0 / 3, 4});
}

TEST_CASE("batch norm of a single row says that a batch of one has no variance, and which layer it is") {
  Model model(config_of(R"({"type": "batch_norm", "name": "bn1"})"), {3}, 1);
  CHECK_THROWS_WITH_AS(run(model, Tensor::zeros({1, 3}), {.training = true}), doctest::Contains("batch_norm \"bn1\": "),
                       nn::LayerShapeError);
}

TEST_CASE("layer norm gives each sample mean 0 and variance 1 over the axes asked for") {
  const Tensor x({1, 2, 2}, {1, 3, 10, 30});
  check_values(run(R"({"type": "layer_norm", "axes": 1})", x), {-1, 1, -1, 1});
  const double deviation = std::sqrt((100 + 64 + 1 + 361) / 4.0);  // around the mean 11
  check_values(run(R"({"type": "layer_norm"})", x), {-10 / deviation, -8 / deviation, -1 / deviation, 19 / deviation});
  CHECK(complaint(R"({"type": "layer_norm", "axes": 3})", {2, 2}).find("received 3") != std::string::npos);
  CHECK(complaint(R"({"type": "layer_norm", "axes": 4294967297})", {2, 2}).find("received 4294967297") !=
        std::string::npos);  // 1, were it cut to 32 bits
}

TEST_CASE("an epsilon or a temperature that is 0 in float32 is refused before anything is divided by it") {
  for (const char* layer :
       {R"({"type": "batch_norm", "epsilon": 1e-50})", R"({"type": "layer_norm", "epsilon": 1e-50})",
        R"({"type": "softmax", "temperature": 1e-50})"}) {
    CHECK_THROWS_AS(config_of(layer), core::ConfigError);
  }
  check_values(run(R"({"type": "batch_norm", "epsilon": 1e-37})", Tensor::zeros({2, 3})), {0, 0, 0, 0, 0, 0});
  check_values(run(R"({"type": "softmax", "temperature": 1e-37})", Tensor::zeros({1, 2})), {0.5, 0.5});
}

TEST_CASE("activations give the values of their formulas") {
  const Tensor x({1, 3}, {-2, 0, 1});
  check_values(run(R"({"type": "relu"})", x), {0, 0, 1});
  check_values(run(R"({"type": "leaky_relu", "slope": 0.1})", x), {-0.2, 0, 1});
  check_values(run(R"({"type": "sigmoid"})", x), {1 / (1 + std::exp(2.0)), 0.5, 1 / (1 + std::exp(-1.0))});
  check_values(run(R"({"type": "tanh"})", x), {std::tanh(-2.0), 0, std::tanh(1.0)});
  check_values(run(R"({"type": "softplus"})", x),
               {std::log1p(std::exp(-2.0)), std::log(2.0), std::log1p(std::exp(1.0))});
  check_values(run(R"({"type": "gelu"})", x),
               {-1 - std::erf(-std::sqrt(2.0)), 0, 0.5 * (1 + std::erf(std::sqrt(0.5)))});
  const double sum = std::exp(-0.5) + 1 + std::exp(0.25);
  check_values(run(R"({"type": "softmax", "temperature": 4})", x),
               {std::exp(-0.5) / sum, 1 / sum, std::exp(0.25) / sum});
}

TEST_CASE("relu6 and clamp stop at their bounds, and bounds in the wrong order are refused") {
  const Tensor x({1, 5}, {-2, 0.5, 1, 6, 6.5});
  check_values(run(R"({"type": "relu6"})", x), {0, 0.5, 1, 6, 6});
  check_values(run(R"({"type": "clamp"})", x), {-1, 0.5, 1, 1, 1});
  check_values(run(R"({"type": "clamp", "low": 0.75, "high": 6.25})", x), {0.75, 0.75, 1, 6, 6.25});
  CHECK_THROWS_AS(config_of(R"({"type": "clamp", "low": 1})"), core::ConfigError);
}

TEST_CASE("concat puts the channels of its branches one after the other, image by image") {
  const char* const layer =
      R"({"type": "concat", "branches": [{"layers": [{"type": "clamp", "low": 0, "high": 4}]}, {"layers": []}]})";
  check_values(run(layer, counted({2, 1, 1, 4})), {0, 1, 2, 3, 0, 1, 2, 3, 4, 4, 4, 4, 4, 5, 6, 7});
  CHECK(shape_of(layer, {3}) == Shape{6});
  CHECK(complaint(R"({"type": "concat", "name": "c", "branches": [{"layers": []},
                      {"layers": [{"type": "max_pool2d"}]}]})",
                  {2, 4, 6}) ==
        "concat \"c\": branch 2 gives [2, 2, 3], which cannot be joined along the channels to the [2, 4, 6] before it");
  CHECK_THROWS_AS(config_of(R"({"type": "concat", "branches": []})"), core::ConfigError);
  for (const char* const branches : {R"([{"layers": [{"type": "reshape", "shape": []}]}, {"layers": []}])",
                                     R"([{"layers": []}, {"layers": [{"type": "reshape", "shape": []}]}])"}) {
    const std::string text =
        complaint(R"({"type": "concat", "name": "c", "branches": )" + std::string(branches) + "}", {1});
    CHECK(text.find("gives a single number, which has no channels to join") != std::string::npos);
  }
}

TEST_CASE("dropout drops its share in training, by run, layer and step, and nothing in evaluation") {
  nn::ModelConfig config =
      config_of(R"({"type": "dropout", "name": "a", "rate": 0.2}, {"type": "dropout", "name": "b", "rate": 0.2})");
  Model model(config, {10000}, 1);
  const Tensor ones = Tensor::full({1, 10000}, 1);
  const auto kept = [&](nn::ForwardContext context) {
    const Tensor y = run(model, ones, context);
    std::vector<bool> mask;
    for (const Scalar v : y.values()) mask.push_back(v != 0);
    return mask;
  };
  const auto mask = kept({.training = true, .seed = 1, .step = 7});
  CHECK(mask == kept({.training = true, .seed = 1, .step = 7}));
  CHECK(mask != kept({.training = true, .seed = 1, .step = 8}));
  CHECK(mask != kept({.training = true, .seed = 2, .step = 7}));
  // Two independent layers keep 0.8² of all; four standard errors are 0.019.
  const auto count = std::ranges::count(mask, true);
  CHECK(static_cast<double>(count) / 10000 == doctest::Approx(0.64).epsilon(0.03));
  CHECK(std::ranges::count(kept({}), true) == 10000);
}

}  // namespace
