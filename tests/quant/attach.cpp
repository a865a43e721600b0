// Oracles: which site a rule takes, worked out by hand; a model without quantizers.
#include "tempera/quant/attach.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/model.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

nn::Model network() {
  nn::ModelConfig config;
  core::read_json(R"({"layers": [
      {"type": "conv2d", "name": "conv1", "out": 2, "kernel": 2}, {"type": "batch_norm", "name": "bn1"},
      {"type": "relu", "name": "act1"}, {"type": "max_pool2d", "name": "pool", "size": 2}, {"type": "flatten", "name": "flat"},
      {"type": "linear", "name": "fc", "out": 3}]})",
                  "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return nn::Model(config, {1, 5, 5}, 1);
}

QuantizationConfig rules(const std::string& json) {
  QuantizationConfig config;
  core::read_json(R"({"rules": )" + json + "}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

const SitePlan& plan_of(const std::vector<SitePlan>& plans, const std::string& name) {
  for (const SitePlan& plan : plans) {
    if (plan.site == name) return plan;
  }
  throw core::Error("no site " + name);
}

std::string complaint(const std::string& json) {
  nn::Model model = network();
  try {
    static_cast<void>(plan(model, rules(json)));
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("the last rule that matches a site takes it, and the model's input is taken by default") {
  nn::Model model = network();
  const std::vector<SitePlan> plans = attach(model, rules(R"([
      {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 4}},
      {"sites": "act*.output", "quantizer": "uniform"},
      {"sites": "fc.*", "quantizer": {"type": "uniform", "bits": 6}},
      {"sites": "fc.input"}])"));
  CHECK(plan_of(plans, "conv1.weight").bits == 4);
  CHECK(plan_of(plans, "conv1.weight").rule == 0);
  CHECK(plan_of(plans, "act1.output").bits == 8);
  CHECK(plan_of(plans, "fc.weight").bits == 6);
  CHECK(plan_of(plans, "fc.output").rule == 2);
  CHECK(plan_of(plans, "fc.input").quantizer.empty());
  CHECK(plan_of(plans, "input").rule == -1);
  CHECK(plan_of(plans, "input").quantizer == "uniform");
  CHECK(plan_of(plans, "pool.output").quantizer.empty());
}

TEST_CASE("'*' stands for any characters, none too, however many of them there are") {
  const auto conv1_bits = [](const std::string& sites) {
    nn::Model model = network();
    const auto plans =
        attach(model, rules(R"([{"sites": ")" + sites + R"(", "quantizer": {"type": "uniform", "bits": 3}}])"));
    return plan_of(plans, "conv1.weight").bits;
  };
  for (const std::string sites : {"*.weight", "conv1.weight*", "*conv1.weight", "c*1.*ght", "*o*.w*t",
                                  "**conv1*****.weight**", "*c*o*n*v*1*.*w*e*i*g*h*t*"}) {
    CAPTURE(sites);
    CHECK(conv1_bits(sites) == 3);
  }
  CHECK(conv1_bits(std::string(5000, '*') + ".weight") == 3);
  CHECK(conv1_bits("fc*") != 3);
  for (const std::string sites : {"*.weights", "conv1*.weight*1", "*x*", ""}) {
    CAPTURE(sites);
    CHECK(complaint(R"([{"sites": ")" + sites + R"(", "quantizer": "uniform"}])").find("matches no site") !=
          std::string::npos);
  }
}

TEST_CASE("integers of values that follow a ReLU begin at 0, through pooling and flattening") {
  nn::Model model = network();
  attach(model, rules(R"([{"sites": "act1.output", "quantizer": "lsq"}, {"sites": "flat.output", "quantizer": "lsq"},
                          {"sites": "fc.output", "quantizer": "lsq"}])"));
  for (nn::Site* site : model.sites()) {
    SiteQuantizer* quantizer = quantizer_of(*site);
    if (quantizer == nullptr || site->name == "input") continue;
    CAPTURE(site->name);
    CHECK(quantizer->site().non_negative == (site->name != "fc.output"));
    CHECK(quantizer->quantizer().params()->qmin == (site->name == "fc.output" ? -8 : 0));
  }
}

TEST_CASE("a selector that matches nothing, and every quantizer out of place, are told together") {
  const std::string text = complaint(R"([{"sites": "fc1.weight", "quantizer": "uniform"},
      {"sites": "act1.output", "quantizer": {"type": "uniform", "granularity": "per_channel"}},
      {"sites": "fc.weight", "quantizer": "pact"}, {"sites": "act1.output", "quantizer": "ternary"}])");
  for (const char* part :
       {"/rules/0/sites", "\"fc1.weight\" matches no site", "fc.weight", "/rules/2/quantizer", "/rules/3/quantizer"}) {
    CAPTURE(text);
    CAPTURE(std::string(part));
    CHECK(text.find(part) != std::string::npos);
  }
}

// Edits counted by hand: "wieght" is two from "weight", "act1.outptu" two from "act1.output".
TEST_CASE("a selector that matches nothing is answered with the few sites that it is nearest to, its stars apart") {
  const std::string star = complaint(R"([{"sites": "*.wieght", "quantizer": "uniform"}])");
  CHECK_MESSAGE(star.find("did you mean \"conv1.weight\", \"fc.weight\"?") != std::string::npos, star);
  const std::string one = complaint(R"([{"sites": "act1.outptu", "quantizer": "uniform"}])");
  CHECK_MESSAGE(one.find("did you mean \"act1.output\"") != std::string::npos, one);
  const std::string none = complaint(R"([{"sites": "zzzzzzzz", "quantizer": "uniform"}])");
  CHECK_MESSAGE(none.find("known are input, ") != std::string::npos, none);
}

TEST_CASE("a range observed in training is kept in evaluation, and values pass before there is one") {
  nn::Model model = network();
  attach(model, rules(R"([{"sites": "fc.output", "quantizer": {"type": "uniform", "bits": 2}}, {"sites": "input"}])"));
  core::Tensor x({4, 1, 5, 5});
  for (std::size_t i = 0; i < x.values().size(); ++i)
    x.mutable_values()[i] = static_cast<Scalar>(static_cast<double>(i * 37 % 19) / 9.5 - 1);
  nn::ForwardContext floats{.transform = false}, hard, training{.training = true};
  const core::Tensor plain = model.forward(core::Variable(x), floats).value();
  CHECK(std::ranges::equal(model.forward(core::Variable(x), hard).value().values(), plain.values()));
  static_cast<void>(model.forward(core::Variable(x), training));
  const core::Tensor quantized = model.forward(core::Variable(x), hard).value();
  std::vector<Scalar> levels(quantized.values().begin(), quantized.values().end());
  std::ranges::sort(levels);
  const auto rest = std::ranges::unique(levels);
  CHECK(levels.size() - rest.size() <= 4);  // two bits
  CHECK(!std::ranges::equal(quantized.values(), plain.values()));
}

// 2·mean|w|/√Q_P for LSQ (Esser et al. 2020, §2.1); the largest for a smoothed staircase.
double start_of(const std::string& quantizer, const core::Tensor& weight) {
  double sum = 0, largest = 0;
  for (const Scalar w : weight.values()) {
    sum += std::abs(static_cast<double>(w));
    largest = std::max(largest, std::abs(static_cast<double>(w)));
  }
  return quantizer.find("lsq") != std::string::npos ? 2 * sum / static_cast<double>(weight.numel()) / std::sqrt(7.0)
                                                    : largest;
}

TEST_CASE("what learns from the first values on begins with those of when rounding begins, not of the first step") {
  for (const auto& [quantizer, learned] :
       {std::pair<std::string, std::string>{R"({"type": "lsq", "bits": 4})", ".scale"},
        {R"({"type": "smoothed_sigmoid", "bits": 4, "observer": "min_max"})", ".alpha"}}) {
    CAPTURE(quantizer);
    nn::Model model = network();
    QuantizationConfig config;
    core::read_json(R"({"when": "aware", "start_epoch": 1, "fold_batch_norm": false, "rules": [
        {"sites": "fc.weight", "quantizer": )" +
                        quantizer + "}]}",
                    "test", [&](core::FieldVisitor& v) { config.fields(v); });
    static_cast<void>(attach(model, config));
    core::Variable weight, number;
    for (const nn::Parameter& p : model.parameters()) {
      if (p.name == "fc.weight") weight = p.variable;
      if (p.name == "fc.weight" + learned) number = p.variable;
    }
    REQUIRE(!number.empty());
    const core::Tensor x = core::Tensor::full({2, 1, 5, 5}, 0.5);
    const auto step = [&](std::int64_t at, std::int64_t epoch) {
      for (Scalar& w : weight.mutable_value().mutable_values()) w *= Scalar{1.5};  // an update
      nn::ForwardContext context{.training = true, .step = at, .epoch = epoch};
      static_cast<void>(model.forward(core::Variable(x), context));
      return static_cast<double>(number.value().item());
    };
    for (std::int64_t at = 0; at < 20; ++at) static_cast<void>(step(at, 0));
    const double waited = step(20, 0), begun = start_of(quantizer, weight.value()) / std::pow(1.5, 4);
    CHECK(waited == doctest::Approx(begun));  // of step 16
    CHECK(step(21, 1) == waited);             // from now on it learns
    CHECK(step(32, 1) == waited);
  }
}

// The closed form: 127 integers on either side of 0 reach to the largest weight.
TEST_CASE("settling brings ranges from before the last update to the weights there are now") {
  nn::Model model = network();
  attach(model, rules(R"([{"sites": "fc.weight", "quantizer": "uniform"}])"));
  nn::ForwardContext training{.training = true};
  static_cast<void>(model.forward(core::Variable(core::Tensor::zeros({1, 1, 5, 5})), training));
  for (nn::Site* site : model.sites()) {
    if (site->name != "fc.weight") continue;
    site->parameter.mutable_value().mutable_values()[0] = -50;  // what an optimizer's last step may do
    CHECK(quantizer_of(*site)->quantizer().params()->scale[0] < 0.1F);
    settle(model);
    CHECK(quantizer_of(*site)->quantizer().params()->scale[0] == 50.0F / 127);
  }
}

TEST_CASE("ranges are frozen in a model that was trained on past the epochs after which they stay") {
  QuantizationConfig config;
  CHECK_FALSE(config.frozen_after(1000));
  config.freeze_observers = 3;
  CHECK_FALSE(config.frozen_after(2));
  CHECK_FALSE(config.frozen_after(3));
  CHECK(config.frozen_after(4));
  config.freeze_observers = 0;  // before the first step
  CHECK(config.frozen_after(0));
  config.when = When::kAfter;
  CHECK_FALSE(config.frozen_after(4));
}

TEST_CASE("an all-zero, a constant and a huge value give finite scales, NaN and infinity name their site") {
  const SiteFacts site{.name = "x.output", .kind = nn::SiteKind::kOutput, .shape = {3}};
  const QuantizerRegistry& registry = QuantizerRegistry::builtin();
  for (const double value : {0.0, 1.0, -1.0, 1e30, 1e-44}) {
    CAPTURE(value);
    const std::unique_ptr<Quantizer> quantizer = registry.make(*registry.create("uniform"), site);
    quantizer->observe(core::Tensor::full({2, 3}, static_cast<Scalar>(value)));
    REQUIRE(quantizer->ready());
    const QParams params = *quantizer->params();
    CHECK(params.scale[0] >= kSmallestScale);
    CHECK(std::isfinite(params.scale[0]));
    const float back = params.dequantize(params.quantize(static_cast<float>(value)));
    CHECK(static_cast<double>(back) == doctest::Approx(value).epsilon(0.01));
  }
  for (const double value : {std::nan(""), HUGE_VAL}) {
    const std::unique_ptr<Quantizer> quantizer = registry.make(*registry.create("uniform"), site);
    try {
      quantizer->observe(core::Tensor::full({2, 3}, static_cast<Scalar>(value)));
      FAIL("observed");
    } catch (const core::NumericError& error) {
      CHECK(error.where() == "x.output");
    }
  }
}

}  // namespace
