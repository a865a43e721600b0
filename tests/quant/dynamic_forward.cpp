// Oracles: ONNX's DynamicQuantizeLinear with MatMulInteger and ConvInteger (tests/golden/make_dynamic.py); the formula of
// packed_weight.hpp as plain loops over the integers of the quantizers, in every bit; the float form of the same network; a
// batch of one.
#include "tempera/quant/dynamic_forward.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "quant/quantized_model.hpp"
#include "support/worse.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/nn/graph.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;
using quant_test::Quantized;

nlohmann::json golden() {
  nlohmann::json all;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/dynamic.json") >> all;
  return all;
}

void take(const nn::Model& model, const std::string& name, const nlohmann::json& values) {
  for (const nn::Parameter& p : model.parameters()) {
    if (p.name != name) continue;
    const std::span<Scalar> to = p.variable.mutable_value().mutable_values();
    REQUIRE(to.size() == values.size());
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<Scalar>(values[i].get<double>());
    return;
  }
  FAIL("no parameter");
}

std::string dynamic_rules(const std::string& weight, const std::string& activation = R"("bits": 8)") {
  return R"({"when": "after", "rules": [{"sites": "*.weight", "quantizer": {"type": "uniform", )" + weight +
         R"(}}, {"sites": "fc*.input", "how": "dynamic", "quantizer": {"type": "uniform", )" + activation + "}}]}";
}

// One layer "fc" with the golden file's numbers.
Tensor golden_logits(const std::string& layer, const nlohmann::json& c, const core::Shape& sample, std::int64_t bits) {
  nn::Model model(quant_test::layers_of(layer), sample, 1);
  take(model, "fc.weight", c["weight"]);
  take(model, "fc.bias", c["bias"]);
  attach(model, quant_test::rules_of(dynamic_rules(fmt::format(R"("granularity": "per_channel", "bits": {})", bits))));
  Tensor x(sample.with_batch(c["shape"][0].get<std::int64_t>()));
  for (std::size_t i = 0; i < x.values().size(); ++i)
    x.mutable_values()[i] = static_cast<Scalar>(c["x"][i].get<double>());
  quant_test::calibrate_on(model, x);
  return DynamicForward(model).logits(x);
}

// An integer that is off by one would be s_x·s_w, some 1e-5 of the largest value at 8 bits, and more at fewer.
void check_values(const Tensor& y, const nlohmann::json& expected) {
  REQUIRE(y.values().size() == expected.size());
  double largest = 0;
  for (const double e : expected) largest = std::max(largest, std::abs(e));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::abs(static_cast<double>(y.values()[i]) - expected[i].get<double>()) <= 1e-6 * largest);
  }
}

TEST_CASE("a linear layer gives ONNX's DynamicQuantizeLinear and MatMulInteger of each row") {
  const nlohmann::json all = golden();
  REQUIRE(all["linear"].size() > 0);
  for (const auto& c : all["linear"]) {
    CAPTURE(c["bits"].get<int>());
    const std::string layer = fmt::format(R"({{"type": "linear", "name": "fc", "out": {}}})", c["outputs"].get<int>());
    check_values(golden_logits(layer, c, {c["shape"][1].get<std::int64_t>()}, c["bits"].get<std::int64_t>()), c["y"]);
  }
}

TEST_CASE(
    "a convolution gives ONNX's DynamicQuantizeLinear and ConvInteger of each image, padded with the zero point") {
  const nlohmann::json all = golden();
  REQUIRE(all["conv"].size() > 0);
  for (const auto& c : all["conv"]) {
    const auto number = [&](const char* name) { return c[name].get<std::int64_t>(); };
    const std::string layer = fmt::format(
        R"({{"type": "conv2d", "name": "fc", "out": {}, "kernel": {}, "stride": {}, "padding": {}, "dilation": {},
             "groups": {}}})",
        number("outputs"), number("kernel"), number("stride"), number("padding"), number("dilation"), number("groups"));
    CAPTURE(layer);
    check_values(golden_logits(layer, c, {c["shape"][1], c["shape"][2], c["shape"][3]}, 8), c["y"]);
  }
}

TEST_CASE("the guide's example comes out") {
  nn::Model model(quant_test::layers_of(R"({"type": "linear", "name": "fc", "out": 1})"), {2}, 1);
  take(model, "fc.weight", {0.75, -1.0});
  take(model, "fc.bias", {0.0});
  attach(model, quant_test::rules_of(dynamic_rules(R"("bits": 8)")));
  const Tensor x({1, 2}, {0.75F, -0.25F});
  quant_test::calibrate_on(model, x);
  const Integers q = quantizer_of(*model.sites()[1])->quantizer().integers(x);
  CHECK(model.sites()[1]->name == "fc.input");
  CHECK(q.params.zero_point == std::vector<std::int32_t>{64});
  CHECK(q.values == std::vector<std::int32_t>{255, 0});
  CHECK(static_cast<double>(DynamicForward(model).logits(x).item()) ==
        doctest::Approx(26273.0 / (255 * 127)).epsilon(1e-6));
}

nn::Site& site_named(nn::Model& model, const std::string& name) {
  for (nn::Site* site : model.sites()) {
    if (site->name == name) return *site;
  }
  throw core::Error("no site " + name);
}

// The formula, term by term.
Tensor plain_linear(nn::Model& model, const Tensor& x) {
  const Integers q = quantizer_of(site_named(model, "fc.input"))->quantizer().integers(x);
  const nn::Site& weight = site_named(model, "fc.weight");
  const Tensor& real = weight.parameter.value();
  const Integers w = quantizer_of(weight)->quantizer().integers(real);
  Tensor bias;
  for (const nn::Parameter& p : model.parameters()) {
    if (p.name == "fc.bias") bias = p.variable.value();
  }
  const std::int64_t in = real.dim(1), out = real.dim(0);
  const std::int64_t piece = w.params.granularity == Granularity::kGroup ? w.params.group : in;
  Tensor y({x.dim(0), out});
  for (std::int64_t i = 0; i < x.dim(0); ++i) {
    for (std::int64_t o = 0; o < out; ++o) {
      Scalar sum = 0;
      for (std::int64_t begin = 0; begin < in; begin += piece) {
        const std::size_t slot = w.params.slot(o * in + begin, real.shape());
        std::int64_t accumulator = 0;
        for (std::int64_t k = begin; k < std::min(begin + piece, in); ++k) {
          accumulator +=
              (q.values[static_cast<std::size_t>(i * in + k)] - q.params.zero_point[static_cast<std::size_t>(i)]) *
              (w.values[static_cast<std::size_t>(o * in + k)] - w.params.zero_point[slot]);
        }
        const Scalar scale = static_cast<Scalar>(q.params.scale[static_cast<std::size_t>(i)]) *
                             static_cast<Scalar>(w.params.scale[slot]);
        sum += static_cast<Scalar>(accumulator) * scale;
      }
      y.mutable_values()[static_cast<std::size_t>(i * out + o)] = sum + bias.values()[static_cast<std::size_t>(o)];
    }
  }
  return y;
}

TEST_CASE("every granularity, sign, number of bits and rounding gives the formula's floats in every bit") {
  const std::vector<std::string> weights{R"("bits": 8)",
                                         R"("bits": 8, "granularity": "per_channel")",
                                         R"("bits": 4, "granularity": "per_group", "group": 7)",
                                         R"("bits": 8, "symmetric": false, "signed": false)",  // q − z needs nine bits
                                         R"("bits": 2, "granularity": "per_group", "group": 1000)",
                                         R"("bits": 3, "symmetric": false, "granularity": "per_channel")"};
  const std::vector<std::string> activations{R"("bits": 8)",
                                             R"("bits": 8, "symmetric": true, "signed": true)",
                                             R"("bits": 4)",
                                             R"("bits": 5, "rounding": "half_away")",
                                             R"("bits": 8, "rounding": "floor")",
                                             R"("bits": 2, "power_of_two_scale": true)"};
  for (const std::string& w : weights) {
    for (const std::string& a : activations) {
      CAPTURE(w);
      CAPTURE(a);
      Quantized network(R"({"type": "linear", "name": "fc", "out": 35})", {53}, dynamic_rules(w, a), -2, 3);
      const Tensor y = DynamicForward(network.model).logits(network.images);
      CHECK(std::ranges::equal(y.values(), plain_linear(network.model, network.images).values()));
    }
  }
}

// One pixel of one image: the formula over [channel, kernel row, kernel column], which is the order of groups that share a scale.
Scalar plain_pixel(const Integers& q, const Integers& w, const core::Shape& x, const nn::graph::Conv2d& conv,
                   std::array<std::int64_t, 4> at, Scalar bias) {
  const auto [i, o, top, left] = at;
  const core::Shape& shape = conv.weight.shape();
  const std::int64_t kernel = shape[2], length = shape[1] * kernel * kernel;
  const std::int64_t piece = w.params.granularity == Granularity::kGroup ? w.params.group : length;
  const std::int64_t from = o / (shape[0] / conv.options.groups) * shape[1];  // first channel of its group
  const std::int32_t zero = q.params.zero_point[static_cast<std::size_t>(i)];
  Scalar sum = 0;
  for (std::int64_t begin = 0; begin < length; begin += piece) {
    const std::size_t slot = w.params.slot(o * length + begin, shape);
    std::int64_t accumulator = 0;
    for (std::int64_t k = begin; k < std::min(begin + piece, length); ++k) {
      const std::int64_t c = from + k / (kernel * kernel);
      const std::int64_t h = top + k / kernel % kernel * conv.options.dilation[0];
      const std::int64_t v = left + k % kernel * conv.options.dilation[1];
      if (h < 0 || h >= x[2] || v < 0 || v >= x[3]) continue;
      accumulator += (q.values[static_cast<std::size_t>(((i * x[1] + c) * x[2] + h) * x[3] + v)] - zero) *
                     (w.values[static_cast<std::size_t>(o * length + k)] - w.params.zero_point[slot]);
    }
    sum += static_cast<Scalar>(accumulator) * (static_cast<Scalar>(q.params.scale[static_cast<std::size_t>(i)]) *
                                               static_cast<Scalar>(w.params.scale[slot]));
  }
  return sum + bias;
}

TEST_CASE("every shape of a convolution gives the formula's floats in every bit") {
  const std::vector<std::string> shapes{R"("kernel": 3)",
                                        R"("kernel": 1, "stride": 2)",
                                        R"("kernel": 2, "padding": 1, "groups": 2)",
                                        R"("kernel": 5, "padding": 2)",
                                        R"("kernel": 3, "padding": 1, "dilation": 2)",
                                        R"("kernel": 3, "stride": 2, "groups": 4)",
                                        R"("kernel": 1, "dilation": 3)"};
  const std::vector<std::string> weights{R"("bits": 8, "granularity": "per_channel")",
                                         R"("bits": 4, "granularity": "per_group", "group": 5)",
                                         R"("bits": 8, "symmetric": false, "signed": false)"};
  for (const std::string& shape : shapes) {
    for (const std::string& bits : weights) {
      CAPTURE(shape);
      CAPTURE(bits);
      Quantized network(R"({"type": "conv2d", "name": "fc", "out": 20, )" + shape + "}", {4, 7, 9}, dynamic_rules(bits),
                        -1, 2);
      const Tensor x(core::Shape{3, 4, 7, 9}, network.images.values().first(3 * 4 * 7 * 9));
      const Tensor y = DynamicForward(network.model).logits(x);
      const nn::Graph graph = nn::lower(network.model);
      const auto& conv = std::get<nn::graph::Conv2d>(graph[graph.output()].operation);
      const Integers q = quantizer_of(site_named(network.model, "fc.input"))->quantizer().integers(x);
      const Integers w = quantizer_of(*conv.weight_site)->quantizer().integers(conv.weight.value());
      std::size_t at = 0;
      for (std::int64_t i = 0; i < 3; ++i) {
        for (std::int64_t o = 0; o < 20; ++o) {
          for (std::int64_t h = 0; h < y.dim(2); ++h) {
            for (std::int64_t v = 0; v < y.dim(3); ++v) {
              const Scalar expected = plain_pixel(q, w, x.shape(), conv,
                                                  {i, o, h * conv.options.stride[0] - conv.options.padding[0],
                                                   v * conv.options.stride[1] - conv.options.padding[1]},
                                                  conv.bias.value().values()[static_cast<std::size_t>(o)]);
              CHECK(y.values()[at++] == expected);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a rectifier behind a product of integers cuts off what is below 0 and changes nothing else") {
  for (const std::string layer : {R"({"type": "linear", "name": "fc", "out": 35})",
                                  R"({"type": "conv2d", "name": "fc", "out": 7, "kernel": 3})"}) {
    const core::Shape sample = layer.find("conv2d") == std::string::npos ? core::Shape{53} : core::Shape{2, 5, 6};
    for (const std::string bits : {R"("bits": 8)", R"("bits": 4, "granularity": "per_group", "group": 4)"}) {
      Quantized plain(layer, sample, dynamic_rules(bits)),
          cut(layer + R"(, {"type": "relu"})", sample, dynamic_rules(bits));
      for (const std::int64_t n : {1, 64}) {  // few samples take another kernel
        const Tensor x(sample.with_batch(n), plain.images.values().first(static_cast<std::size_t>(n * sample.numel())));
        const Tensor y = DynamicForward(plain.model).logits(x), z = DynamicForward(cut.model).logits(x);
        std::int64_t below = 0;
        for (std::size_t i = 0; i < y.values().size(); ++i) {
          below += y.values()[i] < 0 ? 1 : 0;
          CHECK(z.values()[i] == std::max(y.values()[i], Scalar{0}));
        }
        CHECK(below > 0);
      }
    }
  }
}

// Convolutions, pooling, a residual block and a folded batch norm between dynamic sites.
const char* const kLayers = R"(
    {"type": "conv2d", "name": "conv1", "out": 5, "kernel": 3, "padding": 1}, {"type": "batch_norm", "name": "norm1"},
    {"type": "relu", "name": "act1"}, {"type": "max_pool2d", "size": 2},
    {"type": "residual", "layers": [{"type": "conv2d", "name": "conv2", "out": 5, "kernel": 3, "padding": 1},
                                     {"type": "relu"}]},
    {"type": "avg_pool2d", "size": 2}, {"type": "flatten"}, {"type": "linear", "name": "fc1", "out": 9},
    {"type": "gelu"}, {"type": "linear", "name": "fc2", "out": 4})";
const char* const kRules = R"({"when": "after", "rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_channel"}},
    {"sites": "conv1.input", "how": "dynamic", "quantizer": "uniform"},
    {"sites": "act1.output", "how": "dynamic", "quantizer": "uniform"},
    {"sites": "fc*.input", "how": "dynamic", "quantizer": "uniform"}]})";

TEST_CASE("a network of convolutions gives what its float form gives, up to the rounding of sums") {
  Quantized network(kLayers, {2, 8, 8}, kRules);
  const DynamicForward forward(network.model);
  CHECK(forward.integer_layers() == std::vector<std::string>{"conv1", "residual1/conv2", "fc1", "fc2"});
  nn::ForwardContext context;
  const Tensor expected = network.model.forward(core::Variable(network.images), context).value();
  const Tensor y = forward.logits(network.images);
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < y.values().size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected.values()[i])));
    difference = tempera::test::worse(difference, std::abs(static_cast<double>(expected.values()[i] - y.values()[i])));
  }
  // A step of an 8-bit grid is 1/255; a value on the other side of a tie moves the logits by less.
  CHECK(difference < largest / 255);
}

TEST_CASE("what a sample gives depends neither on its batch nor on the number of threads") {
  Quantized network(kLayers, {2, 8, 8}, kRules);
  const DynamicForward forward(network.model);
  const Tensor all = forward.logits(network.images);
  const std::size_t sample = 2 * 8 * 8;
  for (std::size_t i = 0; i < 5; ++i) {
    const Tensor alone = forward.logits(Tensor({1, 2, 8, 8}, network.images.values().subspan(i * sample, sample)));
    CHECK(std::ranges::equal(alone.values(), all.values().subspan(i * 4, 4)));
  }
  CHECK(forward.logits(Tensor({0, 2, 8, 8})).shape() == core::Shape{0, 4});
  const int before = core::thread_count();
  for (const int threads : {1, 3, 4}) {
    core::set_thread_count(threads);
    CHECK(std::ranges::equal(forward.logits(network.images).values(), all.values()));
  }
  core::set_thread_count(before);
}

std::string refusal(const std::string& layers, const core::Shape& input, const std::string& rules) {
  try {
    Quantized network(layers, input, rules);
    const DynamicForward forward(network.model);
  } catch (const core::UnsupportedError& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("calls from several threads at once give what each gives alone") {
  // Half floats count what they lose as they go.
  std::string rules(kRules);
  rules.insert(rules.rfind("]}"), R"(, {"sites": "fc1.output", "quantizer": "float16"})");
  Quantized network(kLayers, {2, 8, 8}, rules);
  const DynamicForward forward(network.model);
  const auto image = [&](std::size_t i) {
    return Tensor({1, 2, 8, 8}, network.images.values().subspan(i * 2 * 8 * 8, 2 * 8 * 8));
  };
  std::vector<Tensor> together(4), alone;
  for (std::size_t i = 0; i < together.size(); ++i) alone.push_back(forward.logits(image(i)));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < together.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int call = 0; call < 20; ++call) together[i] = forward.logits(image(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < together.size(); ++i) {
    CHECK(std::ranges::equal(together[i].values(), alone[i].values()));
  }
}

TEST_CASE("what has no integer product is refused with its layer and the reason") {
  const std::string fc = R"({"type": "linear", "name": "fc", "out": 2})";
  const auto says = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(refusal(fc, {4}, dynamic_rules(R"("bits": 8)")) == "no error");
  CHECK(says(refusal(fc, {4}, dynamic_rules(R"("bits": 12)")), "linear \"fc\": site \"fc.weight\": integer products"));
  CHECK(says(refusal(fc, {4}, R"({"rules": [{"sites": "fc.input", "how": "dynamic", "quantizer": "uniform"}]})"),
             "no rule takes \"fc.weight\""));
  CHECK(says(refusal(fc, {4}, R"({"rules": [{"sites": "fc.weight", "quantizer": "uniform"},
                                            {"sites": "fc.output", "how": "dynamic", "quantizer": "uniform"}]})"),
             "no linear layer or convolution reads"));
  // Random weights of up to 0.6: about 64 of 127 steps each, times 255, times the inputs.
  CHECK(says(refusal(fc, {140000}, dynamic_rules(R"("bits": 8)")), "beyond the int32 of an accumulator"));
  CHECK(refusal(fc, {140000}, dynamic_rules(R"("bits": 8, "granularity": "per_group", "group": 4096)")) == "no error");
}

TEST_CASE("a value that is not finite is an error that names the site, in the product of integers too") {
  Quantized network(R"({"type": "linear", "name": "fc", "out": 2})", {4}, dynamic_rules(R"("bits": 8)"));
  const DynamicForward forward(network.model);
  Tensor x = network.images;
  x.mutable_values()[9] = std::numeric_limits<Scalar>::infinity();
  try {
    static_cast<void>(forward.logits(x));
    FAIL("no error");
  } catch (const core::NumericError& error) {
    CHECK(error.where() == "fc.input");
  }
}

}  // namespace
