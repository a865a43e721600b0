// Fake quantization and pooling in one pass. Oracle: the one after the other, which golden files of either hold.
#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "quant/support.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/ops/conv2d.hpp"
#include "tempera/core/ops/pool2d.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/nn/model.hpp"
#include "tempera/quant/attach.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Shape;
using core::Tensor;

Tensor images_of(const Shape& shape, double mean) {
  Tensor x(shape);
  core::Random(5, "images").fill_normal(x.mutable_values(), mean, 1);
  return x;
}

std::vector<double> doubles(const Tensor& x) { return {x.values().begin(), x.values().end()}; }

struct Grid {
  int bits;
  bool is_signed;
  float scale;
  std::int32_t zero;
  Rounding rounding;
};

// Values and gradients of x (and of what a convolution in front of it is given) by either way.
std::vector<std::vector<double>> results(const Tensor& x, const Grid& g, Surrogate surrogate,
                                         std::optional<Range> range, bool one_pass,
                                         std::optional<core::ConvAlgorithm> convolved) {
  QParams params;
  set_range(params, g.bits, g.is_signed, false);
  params.scale = {g.scale};
  params.zero_point = {g.zero};
  params.rounding = g.rounding;
  const core::Variable in(x, true), w(images_of({4, x.dim(1), 3, 3}, 0), true), bias(images_of({4}, 0), true);
  const core::Variable y =
      convolved ? core::conv2d(in, w, bias, {.padding = {1, 2}, .relu = true, .algorithm = *convolved}) : in;
  const core::Random random(3, "rounding");
  RangeOfRun range_of;
  if (range) range_of = [&](std::size_t, std::span<const Scalar>) { return *range; };
  const core::Variable pooled = one_pass ? fake_quant_pooled_pairs(y, params, surrogate, &random, range)
                                         : core::max_pool2d(fake_quant(y, params, surrogate, &random, range_of));
  core::backward(pooled, images_of(pooled.shape(), 0));
  std::vector<std::vector<double>> all{doubles(pooled.value()), doubles(in.grad())};
  if (convolved) {
    all.push_back(doubles(w.grad()));
    all.push_back(doubles(bias.grad()));
  }
  return all;
}

TEST_CASE("fake quantization and pooling in one pass give the values and gradients of the one after the other") {
  const int before = core::thread_count();
  const Tensor x = images_of({3, 2, 9, 22}, 0.3);
  const Range range = finite_range(x.values(), "test");
  for (const Grid& g : {Grid{8, true, 0.05F, 0, Rounding::kHalfEven}, Grid{4, false, 0.3F, 4, Rounding::kHalfEven},
                        Grid{3, true, 0.2F, 0, Rounding::kHalfEven}, Grid{4, true, 0.5F, 0, Rounding::kStochastic},
                        Grid{4, true, 0.5F, 0, Rounding::kFloor}}) {
    for (const Surrogate surrogate : {Surrogate::kClipped, Surrogate::kIdentity}) {
      for (const int threads : {1, 3}) {
        core::set_thread_count(threads);
        CAPTURE(g.bits);
        CHECK(results(x, g, surrogate, {}, true, {}) == results(x, g, surrogate, {}, false, {}));
        CHECK(results(x, g, surrogate, range, true, {}) == results(x, g, surrogate, range, false, {}));
        for (const auto algorithm :
             {core::ConvAlgorithm::kDirect, core::ConvAlgorithm::kWinograd2x2, core::ConvAlgorithm::kWinograd4x4}) {
          CHECK(results(x, g, surrogate, {}, true, algorithm) == results(x, g, surrogate, {}, false, algorithm));
        }
      }
    }
  }
  core::set_thread_count(before);
}

// A small network with a pooling behind a quantized activation, trained for a few steps.
std::vector<double> trained(const std::string& quantizer, bool fuse, const std::string& phases) {
  nn::ModelConfig layers;
  core::read_json(R"({"layers": [{"type": "conv2d", "name": "conv", "out": 5, "kernel": 3},
      {"type": "relu", "name": "act"}, {"type": "max_pool2d", "name": "pool"},
      {"type": "conv2d", "name": "conv2", "out": 4, "kernel": 2}, {"type": "max_pool2d", "name": "pool2"},
      {"type": "flatten", "name": "flat"}, {"type": "linear", "name": "fc", "out": 3}]})",
                  "test", [&](core::FieldVisitor& v) { layers.fields(v); });
  nn::Model model(layers, {2, 12, 13}, 7);
  QuantizationConfig config;
  core::read_json(R"({"when": "aware", )" + phases + R"(, "rules": [{"sites": "act.output", "quantizer": )" +
                      quantizer + R"(}, {"sites": "conv2.output", "quantizer": )" + quantizer + "}]}",
                  "test", [&](core::FieldVisitor& v) { config.fields(v); });
  static_cast<void>(attach(model, config));
  std::vector<double> all;
  for (std::int64_t step = 0; step < 3; ++step) {
    nn::ForwardContext context{.training = true, .step = step, .epoch = step, .fuse = fuse};
    const core::Variable y =
        model.forward(core::Variable(images_of({4, 2, 12, 13}, 0.1 * static_cast<double>(step))), context);
    core::backward(y, images_of(y.shape(), 0));
    for (const nn::Parameter& p : model.parameters()) {
      for (const double v : doubles(p.variable.grad())) all.push_back(v);
      p.variable.zero_grad();
    }
    nn::ForwardContext evaluating{.fuse = fuse};
    for (const double v : doubles(model.forward(core::Variable(images_of({4, 2, 12, 13}, 1)), evaluating).value())) {
      all.push_back(v);
    }
  }
  for (const nn::Buffer& b : model.buffers()) {
    for (const double v : doubles(b.variable.value())) all.push_back(v);
  }
  return all;
}

TEST_CASE("a network pools in the pass of what is done at a site, by the same bits as without, for every quantizer") {
  std::vector<std::string> quantizers;
  for (const std::string& observer : ObserverRegistry::builtin().names()) {
    quantizers.push_back(R"({"type": "uniform", "bits": 4, "observer": {"type": ")" + observer + "\"}}");
  }
  quantizers.emplace_back(R"({"type": "uniform", "bits": 3, "scale": 0.25})");
  quantizers.emplace_back(R"({"type": "uniform", "bits": 8, "symmetric": false, "signed": true})");
  quantizers.emplace_back(R"({"type": "uniform", "bits": 5, "rounding": "stochastic"})");
  quantizers.emplace_back(R"({"type": "lsq", "bits": 4})");
  quantizers.emplace_back(R"({"type": "bfloat16"})");
  for (const std::string& quantizer : quantizers) {
    for (const char* phases : {R"("start_epoch": 0)", R"("start_epoch": 1)", R"("freeze_observers": 1)"}) {
      CAPTURE(quantizer);
      CAPTURE(phases);
      CHECK(trained(quantizer, true, phases) == trained(quantizer, false, phases));
    }
  }
}

}  // namespace
