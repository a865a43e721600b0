// Oracle: the worked example of docs/guide/integer-arithmetic.md, done by hand there. The library must give its numbers, and
// the guide must show them.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "quant/quantized_model.hpp"
#include "tempera/quant/exact_forward.hpp"
#include "tempera/quant/fold_bn.hpp"
#include "tempera/quant/integer_rules.hpp"
#include "tempera/quant/lower.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;

std::string guide() {
  std::ifstream file(TEMPERA_SOURCE_DIR "/docs/guide/integer-arithmetic.md");
  std::stringstream text;
  text << file.rdbuf();
  std::string plain = text.str();
  for (std::size_t at = 0; (at = plain.find("−")) != std::string::npos;) plain.replace(at, 3, "-");
  return plain;
}

void shows(const std::string& numbers) {
  CAPTURE(numbers);
  CHECK(guide().find("**" + numbers + "**") != std::string::npos);
}

struct Example {
  Example()
      : model(quant_test::layers_of(R"({"type": "linear", "name": "fc", "out": 2}, {"type": "relu", "name": "act"})"),
              {2}, 1) {
    model.parameters()[0].variable.set_value(Tensor({2, 2}, {0.75, -1.25, 0.25, 0.5}));
    model.parameters()[1].variable.set_value(Tensor({2}, {static_cast<Scalar>(0.3), -0.5}));
    attach(model, quant_test::rules_of(R"({"rules": [
        {"sites": "input", "quantizer": {"type": "uniform", "symmetric": false, "signed": false, "scale": 0.0078125, "zero_point": 100}},
        {"sites": "fc.weight", "quantizer": {"type": "uniform", "scale": 0.015625}},
        {"sites": "act.output", "quantizer": {"type": "uniform", "scale": 0.01171875}}]})"));
  }
  nn::Model model;
};

TEST_CASE("the guide's layer has the integers that the guide works out") {
  Example it;
  const Program program = lower(it.model, {});
  const auto& quantize = std::get<program::Quantize>(program.instructions[0].operation);
  const auto& linear = std::get<program::Linear>(program.instructions[1].operation);
  shows(fmt::format("({}, {})", quantize.params.quantize(0.5F), quantize.params.quantize(-0.25F)));
  const auto first = [](float threshold) { return first_reaching(1.0 / 8192, static_cast<double>(threshold)); };
  const Thresholds steps{{static_cast<std::int32_t>(first(0.1F)), static_cast<std::int32_t>(first(0.5F)),
                          static_cast<std::int32_t>(first(0.9F))}};
  shows(fmt::format("({}, {}, {})", steps.values[0], steps.values[1], steps.values[2]));
  shows(fmt::format("{}", reached(steps, 3, 8090, 0)));
  const std::vector<std::int8_t>& w = linear.weight.values;
  CHECK(w == std::vector<std::int8_t>{48, -80, 16, 32});
  shows(fmt::format("({}, {})", w[0], w[1]));
  shows(fmt::format("({}, {})", w[2], w[3]));
  CHECK(linear.bias == std::vector<std::int32_t>{2458, -4096});
  shows(fmt::format("({}, {})", linear.bias[0], linear.bias[1]));
  CHECK(164 * 48 + 68 * -80 - 100 * (48 - 80) == 5632);
  shows(fmt::format("{}", 164 * 48 + 68 * -80));
  REQUIRE(linear.requant);
  REQUIRE(linear.requant->multipliers.size() == 1);
  const Multiplier& m = linear.requant->multipliers[0];
  CHECK(m.multiplier == 1431655765);
  CHECK(m.shift == 6);
  shows(fmt::format("{}", m.multiplier));
  shows(fmt::format("{}", m.shift));
  CHECK(requantize(8090, m, RequantMode::kSingle) == 84);
  CHECK(requantize(-4096, m, RequantMode::kSingle) == -43);
}

TEST_CASE("the guide's sample gives 84 and 0, by way of accumulators 8090 and -4096") {
  Example it;
  const Tensor sample({1, 2}, {0.5, -0.25});
  std::vector<std::int32_t> y;
  const Tensor logits = ExactForward(it.model, {}).logits(sample, [&](const std::string& site, const IntTensor& value) {
    if (site == "act.output") y = value.values;
  });
  CHECK(y == std::vector<std::int32_t>{84, 0});
  CHECK(static_cast<double>(logits.values()[0]) == 0.984375);

  for (nn::Site* site : it.model.sites()) {
    if (site->name == "act.output") site->transform = nullptr;
  }
  static_cast<void>(ExactForward(it.model, {}).logits(sample, [&](const std::string& /*site*/, const IntTensor& value) {
    y = value.values;
  }));
  CHECK(y == std::vector<std::int32_t>{8090, 0});  // the ReLU acts on the accumulators that are left
  shows("8090");
  shows("-4096");
  shows("84");
}

TEST_CASE("the guide's sum, average, fold and bounds are those of the library") {
  const double a[]{3.0 / 256}, b[]{1.0 / 64};
  const AddMultipliers m = add_multipliers("guide", a, b, 1.0 / 32);
  shows(fmt::format("{}", m.a[0]));
  shows(fmt::format("{}", m.b[0]));
  shows(fmt::format("{}", m.shift));
  CHECK(84 * m.a[0] - 10 * m.b[0] == 53 * (std::int64_t{1} << (m.shift - 1)));  // 26.5
  CHECK(round_to((84 + 85) / 2.0, LowerConfig{}.average_rounding) == 85);

  const auto one = [](double x) { return core::Variable(Tensor({1}, {static_cast<Scalar>(x)})); };
  const nn::graph::BatchNorm norm{one(1.5), one(0.2), one(0.5), one(0.25 - 1e-5), 1e-5};
  CHECK(static_cast<double>(fold_factor(norm).item()) == doctest::Approx(3));
  CHECK(static_cast<double>(folded_bias(norm, one(0.1).value()).item()) == doctest::Approx(-1));

  CHECK((std::int64_t{1} << 31) / (255 * 127) == 66311);
  shows("66312");
  CHECK((1 << 24) / (255 * 127) == 518);
  shows("518");
}

}  // namespace
