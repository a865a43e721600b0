// Oracles: the float network itself (equalization changes no output), sums in plain loops, nearest rounding (AdaRound is never
// worse), closed forms of noise.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "quant/support.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/datasets/load.hpp"
#include "tempera/datasets/loader.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/calibrate.hpp"
#include "tempera/quant/ptq/adaround.hpp"
#include "tempera/quant/ptq/bias_correction.hpp"
#include "tempera/quant/ptq/equalize.hpp"
#include "tempera/quant/ptq/sqnr.hpp"
#include "tempera/quant/ptq/tap.hpp"

using namespace tempera;
using namespace tempera::quant_test;
using core::Tensor;
using core::Variable;

namespace {

Tensor outputs(nn::Model& model, core::BatchSource& source, bool quantized = false) {
  nn::ForwardContext context{.transform = quantized};
  core::Batch batch;
  source.start(0, 0);
  REQUIRE(source.next(batch));
  const core::NoGrad no_history;
  return model.forward(Variable(batch.inputs), context).value();
}

void check_same(const Tensor& a, const Tensor& b, double tolerance) {
  double largest = 1e-3;
  for (const Scalar x : b.values()) largest = std::max(largest, std::abs(static_cast<double>(x)));
  for (std::size_t i = 0; i < a.values().size(); ++i) {
    CHECK(std::abs(static_cast<double>(a.values()[i] - b.values()[i])) <= tolerance * largest);
  }
}

double mean_square(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i) {
    sum += std::pow(static_cast<double>(a.values()[i] - b.values()[i]), 2);
  }
  return sum / static_cast<double>(a.values().size());
}

// Channels of very different size, as training with batch norm leaves them; biases that matter.
void unbalance(nn::Model& model) {
  for (const nn::Parameter& p : model.parameters()) {
    const std::span<Scalar> values = p.variable.mutable_value().mutable_values();
    const std::size_t row = values.size() / static_cast<std::size_t>(p.shape[0]);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (p.role == nn::Role::kBias) values[i] = static_cast<Scalar>(0.1 * static_cast<double>(i % 5) - 0.2);
      if (p.role == nn::Role::kWeight)
        values[i] *= static_cast<Scalar>(std::pow(10, static_cast<double>(i / row % 4) - 2));
    }
  }
}

const char* const kConvolutions =
    R"({"type": "conv2d", "name": "conv1", "out": 8, "kernel": 3, "padding": 1}, {"type": "relu"},
       {"type": "conv2d", "name": "depth", "out": 8, "kernel": 3, "groups": 8}, {"type": "relu"},
       {"type": "conv2d", "name": "conv2", "out": 6, "kernel": 1}, {"type": "max_pool2d", "size": 2}, {"type": "flatten"},
       {"type": "linear", "name": "fc1", "out": 12}, {"type": "relu"}, {"type": "linear", "name": "fc2", "out": 4})";

}  // namespace

TEST_CASE("equalization keeps what the float network computes, and balances the ranges of neighbours") {
  nn::Model model = model_of(kConvolutions, {2, 8, 8});
  unbalance(model);
  Samples source = random_samples({2, 8, 8}, 20);
  const Tensor before = outputs(model, source);
  const std::vector<quant::EqualizedPair> pairs = quant::equalize(model, 100);
  REQUIRE(pairs.size() == 4);
  CHECK(pairs[0].first == "conv1");
  CHECK(pairs[0].second == "depth");
  CHECK(pairs[2].first == "conv2");
  CHECK(pairs[2].second == "fc1");
  for (const quant::EqualizedPair& pair : pairs) {
    CAPTURE(pair.first);
    CHECK(pair.spread_after <= pair.spread_before);
    CHECK(pair.spread_after < 1.05);
  }
  check_same(outputs(model, source), before, 1e-5);
}

TEST_CASE("equalization scales the batch norm between two layers, and leaves alone what does not factor") {
  nn::Model model = model_of(
      R"({"type": "linear", "name": "fc1", "out": 6}, {"type": "batch_norm", "name": "bn"}, {"type": "relu"},
         {"type": "linear", "name": "fc2", "out": 6}, {"type": "relu6"}, {"type": "linear", "name": "fc3", "out": 3})",
      {5});
  unbalance(model);
  Samples source = random_samples({5}, 30);
  const Tensor before = outputs(model, source);
  const std::vector<quant::EqualizedPair> pairs = quant::equalize(model);
  REQUIRE(pairs.size() == 1);  // relu6 stands between the others
  CHECK(pairs[0].second == "fc2");
  check_same(outputs(model, source), before, 1e-5);
}

TEST_CASE("equalization survives a channel of zeros") {
  nn::Model model = model_of(
      R"({"type": "linear", "name": "fc1", "out": 3}, {"type": "relu"}, {"type": "linear", "name": "fc2", "out": 2})",
      {4});
  for (const nn::Parameter& p : model.parameters()) {
    if (p.name == "fc1.weight") std::fill_n(p.variable.mutable_value().mutable_data(), 4, Scalar{0});
  }
  Samples source = random_samples({4}, 10);
  const Tensor before = outputs(model, source);
  quant::equalize(model);
  check_same(outputs(model, source), before, 1e-5);
}

TEST_CASE(
    "equalization undoes factors that were put between two layers, so that 4 bits a tensor come nearer to floats") {
  const auto error = [](bool equalized) {
    nn::Model model = model_of(
        R"({"type": "linear", "name": "fc1", "out": 32}, {"type": "relu"}, {"type": "linear", "name": "fc2", "out": 8})",
        {16});
    // The same function with rows of fc1 by f and columns of fc2 by 1/f, f from 1/30 to 30.
    const std::vector<nn::Parameter> parameters = model.parameters();
    const auto factor = [](std::size_t c) { return std::pow(30.0, static_cast<double>(c % 5) / 2 - 1); };
    const std::span<Scalar> first = parameters[0].variable.mutable_value().mutable_values();
    const std::span<Scalar> second = parameters[2].variable.mutable_value().mutable_values();
    for (std::size_t i = 0; i < first.size(); ++i) first[i] *= static_cast<Scalar>(factor(i / 16));
    for (std::size_t i = 0; i < second.size(); ++i) second[i] /= static_cast<Scalar>(factor(i % 32));
    Samples source = random_samples({16}, 64, 64);
    const Tensor floats = outputs(model, source);
    if (equalized) quant::equalize(model);
    quant::attach(model, quantization(R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 4}})"));
    quant::calibrate(model, source, 64);
    return mean_square(outputs(model, source, true), floats);
  };
  CHECK(error(true) < 0.1 * error(false));
}

TEST_CASE("a corrected layer has the float network's mean in every channel") {
  nn::Model model = model_of(
      R"({"type": "linear", "name": "fc1", "out": 16}, {"type": "relu", "name": "act1"},
         {"type": "linear", "name": "fc2", "out": 5})",
      {9});
  Samples source = random_samples({9}, 128, 32);
  quant::attach(model, quantization(R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 2}},
                                       {"sites": "act1.output", "quantizer": {"type": "uniform", "bits": 3}})"));
  quant::calibrate(model, source, 128);
  const auto means = [&](bool quantized) {
    std::vector<double> sums(5, 0);
    nn::ForwardContext context{.transform = quantized};
    source.start(0, 0);
    for (core::Batch batch; source.next(batch);) {
      const Tensor y = model.forward(Variable(batch.inputs), context).value();
      for (std::size_t i = 0; i < y.values().size(); ++i) sums[i % 5] += static_cast<double>(y.values()[i]) / 128;
    }
    return sums;
  };
  const std::vector<double> wanted = means(false);
  const std::vector<quant::BiasShift> shifts = quant::correct_biases(model, source, 128);
  REQUIRE(shifts.size() == 2);
  for (const quant::BiasShift& shift : shifts) {
    CHECK(shift.largest_before > 1e-3);
    CHECK(shift.largest_after < 1e-5);
  }
  const std::vector<double> now = means(true);
  for (std::size_t c = 0; c < 5; ++c) CHECK(now[c] == doctest::Approx(wanted[c]).epsilon(1e-4));
}

TEST_CASE("noise of a site is that of its own rounding: uniform values on a fine grid give 6.02 decibels a bit") {
  nn::Model model = model_of(R"({"type": "flatten", "name": "flat"})", {4000});
  Tensor x({1, 4000});
  core::Random(2, "x").fill_uniform(x.mutable_values(), 0, 1);
  Samples source(x, {0}, 1);
  for (const int bits : {4, 6, 8}) {
    quant::attach(model,
                  quantization(R"({"sites": "input", "quantizer": {"type": "uniform", "signed": false, "bits": )" +
                               std::to_string(bits) + "}}"));
    quant::calibrate(model, source, 1);
    const std::vector<quant::SiteNoise> noise = quant::site_noise(model, source, 1);
    REQUIRE(noise.size() == 1);
    // Signal ⅓ (uniform on [0, 1]), noise s²/12 with s = 1/(2^k − 1).
    CHECK(noise[0].decibels == doctest::Approx(10 * std::log10(4 * std::pow((1 << bits) - 1, 2))).epsilon(0.01));
    CHECK(noise[0].bits == bits);
    CHECK(quant::quantizer_of(model.input_site()) != nullptr);  // put back
  }
}

TEST_CASE("methods that need images refuse a source without any") {
  nn::Model model = model_of(R"({"type": "linear", "name": "fc1", "out": 2})", {3});
  Samples none(Tensor({0, 3}), {}, 4);
  CHECK_THROWS_AS(quant::correct_biases(model, none, 10), core::DataError);
  CHECK_THROWS_AS(static_cast<void>(quant::site_noise(model, none, 10)), core::DataError);
  CHECK_THROWS_AS(quant::adaround(model, none, {}), core::DataError);
  CHECK_THROWS_AS(quant::calibrate(model, none, 10), core::DataError);
}

TEST_CASE("adaptive rounding on real images errs less than nearest rounding in every layer, and stays on the grid") {
  data::DataConfig config;
  config.fallback = data::Fallback::kFashionMnist;
  config.train_limit = 1500;
  config.validation = 0;
  const data::LoadedData data = data::load(config);
  nn::Model model = model_of(
      R"({"type": "conv2d", "name": "conv1", "out": 4, "kernel": 5, "stride": 2}, {"type": "relu", "name": "act1"},
         {"type": "flatten"}, {"type": "linear", "name": "fc1", "out": 24}, {"type": "relu", "name": "act2"},
         {"type": "linear", "name": "fc2", "out": 10})",
      data.set.sample());
  data::Loader training(data.set.train, data.normalization, {}, {.batch = 32});
  train(model, training, 2, 0.1);
  data::Loader images(data.set.train, data.normalization, 64);
  quant::attach(model, quantization(R"({"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 3}},
                                       {"sites": "act*.output", "quantizer": {"type": "uniform", "bits": 8}})"));
  quant::calibrate(model, images, 256);
  const Tensor floats = outputs(model, images), nearest = outputs(model, images, true);
  std::vector<quant::QParams> before;
  for (nn::Site* site : model.sites()) {
    if (site->kind == nn::SiteKind::kWeight) before.push_back(*quant::quantizer_of(*site)->quantizer().params());
  }
  quant::AdaRoundConfig options;
  options.images = 256;
  options.iterations = 300;
  const std::vector<quant::RoundedLayer> layers = quant::adaround(model, images, options);
  REQUIRE(layers.size() == 3);
  for (const quant::RoundedLayer& layer : layers) {
    CAPTURE(layer.layer);
    MESSAGE(layer.layer, ": ", layer.nearest_error, " -> ", layer.error, ", changed ", layer.changed);
    CHECK(layer.skipped.empty());
    CHECK(layer.error < 0.8 * layer.nearest_error);
    CHECK(layer.changed > 0);
  }
  CHECK(mean_square(outputs(model, images, true), floats) < 0.7 * mean_square(nearest, floats));
  std::size_t w = 0;
  for (nn::Site* site : model.sites()) {
    if (site->kind != nn::SiteKind::kWeight) continue;
    const quant::QParams& grid = before[w++];
    CHECK(quant::quantizer_of(*site)->quantizer().params()->scale == grid.scale);
    for (const Scalar v : site->parameter.value().values()) {
      CHECK(static_cast<float>(v) == grid.dequantize(grid.quantize(static_cast<float>(v))));
    }
  }
}

TEST_CASE("a step of adaptive rounding takes no more images than there are, however many are asked for") {
  const auto rounded = [](std::int64_t batch) {
    nn::Model model = model_of(R"({"type": "linear", "name": "fc1", "out": 6})", {9});
    Samples source = random_samples({9}, 48);
    quant::attach(model, quantization(R"({"sites": "fc1.weight", "quantizer": {"type": "uniform", "bits": 3}})"));
    quant::calibrate(model, source, 48);
    quant::AdaRoundConfig options;
    options.iterations = 60;
    options.batch = batch;
    CHECK(quant::adaround(model, source, options)[0].skipped.empty());
    return model.parameters()[0].variable.value();
  };
  check_same(rounded(std::numeric_limits<std::int64_t>::max()), rounded(48), 0);
}

TEST_CASE("adaptive rounding says which layers it left alone and why") {
  nn::Model model = model_of(
      R"({"type": "linear", "name": "fc1", "out": 6}, {"type": "relu"}, {"type": "linear", "name": "fc2", "out": 3},
         {"type": "linear", "name": "fc3", "out": 3})",
      {4});
  Samples source = random_samples({4}, 32);
  quant::attach(model, quantization(R"({"sites": "fc1.weight", "quantizer": {"type": "dorefa", "bits": 2}},
      {"sites": "fc3.weight", "quantizer": {"type": "uniform", "bits": 4, "rounding": "floor"}})"));
  quant::calibrate(model, source, 32);
  const std::vector<quant::RoundedLayer> layers = quant::adaround(model, source, {});
  REQUIRE(layers.size() == 3);
  CHECK(layers[0].skipped.find("more than round") != std::string::npos);
  CHECK(layers[1].skipped.find("not quantized") != std::string::npos);
  CHECK(layers[2].skipped.find("rounds down") != std::string::npos);
}
