// Oracle: the losses that PyTorch 2.13 had in 200 steps from the same start on the same batches (make_training.py, which
// states the formulas of start, images and labels that are evaluated here).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/worse.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/ops/softmax.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/nn/optimizer.hpp"

namespace {

using namespace tempera;

constexpr std::uint32_t kImages = 500, kPixels = 784;

// Chris Wellons' lowbias32.
std::uint32_t mix(std::uint32_t x) {
  x ^= x >> 16U;
  x *= 0x7FEB352DU;
  x ^= x >> 15U;
  x *= 0x846CA68BU;
  return x ^ (x >> 16U);
}

void start(const nn::Model& model) {
  std::int64_t fan_in = 1;
  std::uint32_t stream = 0;
  for (const nn::Parameter& parameter : model.parameters()) {
    ++stream;
    if (parameter.shape.rank() > 1) fan_in = parameter.numel() / parameter.shape[0];
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(fan_in)) / (1 << 23));
    std::uint32_t index = 0;
    for (Scalar& value : parameter.variable.mutable_value().mutable_values()) {
      const auto bits = static_cast<std::int32_t>(mix(index++ + (stream << 24U)) >> 8U);
      value = static_cast<float>(bits - (1 << 23)) * scale;
    }
  }
}

float pixel(std::uint32_t image, std::uint32_t at) {
  const std::uint32_t square = at / 112 * 7 + at % 28 / 4;
  const std::uint32_t pattern = mix(image % 10 * 49 + square + 0x10000000U) >> 24U;
  const std::uint32_t noise = mix(image * kPixels + at + 0x20000000U) >> 24U;
  return (static_cast<float>((3 * pattern + noise) >> 2U) - 128.0F) / 64.0F;
}

std::int32_t label(std::uint32_t image) {
  const std::uint32_t lot = mix(image + 0x30000000U);
  return static_cast<std::int32_t>(lot % 5 == 0 ? (lot >> 8U) % 10 : image % 10);
}

void fill(core::Tensor& inputs, std::vector<std::int32_t>& labels, std::int64_t step) {
  const auto batch = static_cast<std::uint32_t>(labels.size());
  Scalar* values = inputs.mutable_data();
  for (std::uint32_t row = 0; row < batch; ++row) {
    const std::uint32_t image = (static_cast<std::uint32_t>(step) * batch + row) % kImages;
    labels[row] = label(image);
    for (std::uint32_t at = 0; at < kPixels; ++at) *values++ = pixel(image, at);
  }
}

nn::Model model_of(const std::string& layers) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": )" + layers + "}", "training.cpp", [&](core::FieldVisitor& v) { config.fields(v); });
  return nn::Model(config, {1, 28, 28}, 1);
}

std::unique_ptr<nn::Optimizer> sgd(double rate, double momentum, const std::vector<nn::Parameter>& parameters) {
  const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
  const auto config = registry.create("sgd");
  const nlohmann::json options{{"learning_rate", rate}, {"momentum", momentum}};
  core::read_json(options.dump(), "training.cpp", [&](core::FieldVisitor& v) { config->fields(v); });
  return registry.make(*config, parameters);
}

void follows_pytorch(const std::string& name, const std::string& layers) {
  std::ifstream file(TEMPERA_SOURCE_DIR "/tests/golden/training.json");
  const nlohmann::json all = nlohmann::json::parse(file), golden = all.at(name);
  nn::Model model = model_of(layers);
  start(model);
  const auto optimizer = sgd(golden.at("rate"), all.at("momentum"), model.parameters());
  std::vector<std::int32_t> labels(golden.at("batch").get<std::size_t>());
  core::Tensor inputs({golden.at("batch"), 1, 28, 28});
  double farthest = 0;
  const auto expected = golden.at("losses").get<std::vector<double>>();
  REQUIRE(expected.size() == 200);
  for (std::size_t step = 0; step < expected.size(); ++step) {
    fill(inputs, labels, static_cast<std::int64_t>(step));
    nn::ForwardContext context{.training = true, .seed = 1, .step = static_cast<std::int64_t>(step)};
    const core::Variable loss = core::cross_entropy(model.forward(core::Variable(inputs), context), labels);
    optimizer->zero_grad();
    core::backward(loss);
    optimizer->step();
    const double actual = static_cast<double>(loss.value().item());
    farthest = test::worse(farthest, std::abs(actual - expected[step]) / expected[step]);
  }
  MESSAGE(name << ": farthest from PyTorch " << farthest << " relative");
  CHECK(farthest <= 1e-4);
}

TEST_CASE("200 steps of momentum SGD on 784-128-10 follow PyTorch's losses to 1e-4") {
  follows_pytorch("mlp", R"([{"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"},
                             {"type": "linear", "out": 10}])");
}

TEST_CASE("200 steps of momentum SGD on LeNet follow PyTorch's losses to 1e-4") {
  follows_pytorch("lenet", R"([{"type": "conv2d", "out": 20, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d"},
                               {"type": "conv2d", "out": 50, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d"},
                               {"type": "flatten"}, {"type": "linear", "out": 500}, {"type": "relu"},
                               {"type": "linear", "out": 10}])");
}

}  // namespace
