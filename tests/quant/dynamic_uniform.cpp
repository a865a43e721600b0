// Oracles: ONNX's DynamicQuantizeLinear on each sample (tests/golden/make_dynamic.py); the definition written as a loop; closed
// forms for zeros and constants; a batch of one.
#include "tempera/quant/quantizers/dynamic_uniform.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "quant/quantized_model.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/lower.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using core::Tensor;

DynamicUniform quantizer(Uniform::Config config = {}, bool non_negative = false) {
  return {config, {.name = "fc1.input", .kind = nn::SiteKind::kInput, .shape = {8}, .non_negative = non_negative}};
}

Tensor row_of(const Tensor& x, std::int64_t i) {
  const std::int64_t n = x.numel() / x.dim(0);
  return Tensor({1, n}, x.values().subspan(static_cast<std::size_t>(i * n), static_cast<std::size_t>(n)));
}

// What is said about a network fc1 (relu) fc2 with these rules.
std::string refusal_of(const std::string& rules) {
  nn::Model model(quant_test::layers_of(R"({"type": "linear", "name": "fc1", "out": 4}, {"type": "relu", "name": "act"},
                                     {"type": "linear", "name": "fc2", "out": 2})"),
                  {6}, 1);
  try {
    static_cast<void>(attach(model, quant_test::rules_of(R"({"rules": [)" + rules + "]}")));
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "no error";
}
bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("every sample gets ONNX's integers, scale and zero point, whatever else is in the batch") {
  nlohmann::json golden;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/dynamic.json") >> golden;
  const auto& samples = golden["samples"];
  const auto length = static_cast<std::int64_t>(samples[0]["x"].size());
  Tensor x({static_cast<std::int64_t>(samples.size()), length});
  std::size_t at = 0;
  for (const auto& sample : samples) {
    for (const double value : sample["x"]) x.mutable_values()[at++] = static_cast<Scalar>(value);
  }
  const Integers integers = quantizer().integers(x);
  at = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CAPTURE(samples[i]["name"].get<std::string>());
    const auto scale = samples[i]["scale"].get<double>();
    CHECK(std::abs(static_cast<double>(integers.params.scale[i]) - scale) <= scale * 0x1p-22);
    CHECK(integers.params.zero_point[i] == samples[i]["zero_point"].get<int>());
    for (const double q : samples[i]["q"]) CHECK(integers.values[at++] == static_cast<std::int32_t>(q));
  }
}

TEST_CASE("a sample is quantized alike alone and in any batch, at every number of bits") {
  const Tensor x = quant_test::random_tensor({9, 33}, -3, 5, "rows");
  nn::ForwardContext context;
  for (const std::int64_t bits : {2, 3, 4, 8}) {
    for (const bool symmetric : {false, true}) {
      DynamicUniform q = quantizer({.bits = bits, .symmetric = symmetric});
      const Tensor all = q.forward(core::Variable(x), context).value();
      for (std::int64_t i = 0; i < 9; ++i) {
        const Tensor alone = q.forward(core::Variable(row_of(x, i)), context).value();
        CHECK(std::ranges::equal(row_of(all, i).values(), alone.values()));
      }
    }
  }
}

TEST_CASE("symmetric rows have scale amax/qmax and zero point 0, and the float form is q times the scale") {
  const Tensor x = quant_test::random_tensor({4, 20}, -2, 1, "rows");
  DynamicUniform q = quantizer({.bits = 5, .symmetric = true});
  nn::ForwardContext context;
  const Tensor y = q.forward(core::Variable(x), context).value();
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensor row = row_of(x, i);
    float amax = 0;
    for (const Scalar v : row.values()) amax = std::max(amax, std::abs(static_cast<float>(v)));
    const float scale = amax / 15;
    for (std::int64_t j = 0; j < 20; ++j) {
      const float integer = std::nearbyint(static_cast<float>(row.values()[static_cast<std::size_t>(j)]) / scale);
      CHECK(row_of(y, i).values()[static_cast<std::size_t>(j)] == static_cast<Scalar>(integer * scale));
    }
  }
}

TEST_CASE("a sample of zeros stays zeros, and a constant one stays what it is") {
  const Tensor x({3, 4}, {0, 0, 0, 0, 0.7F, 0.7F, 0.7F, 0.7F, -2.5F, -2.5F, -2.5F, -2.5F});
  DynamicUniform q = quantizer();
  nn::ForwardContext context;
  const Integers integers = q.integers(x);
  CHECK(integers.params.scale[0] == 1.0F);
  const Tensor y = q.forward(core::Variable(x), context).value();
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(y.values()[i] == 0);
    // One end of the grid: 255 steps of c/255, off by the rounding of the scale.
    CHECK(static_cast<double>(y.values()[4 + i]) == doctest::Approx(0.7).epsilon(1e-6));
    CHECK(static_cast<double>(y.values()[8 + i]) == doctest::Approx(-2.5).epsilon(1e-6));
  }
  CHECK(q.integers(Tensor({0, 4})).values.empty());
}

TEST_CASE("a value that is not finite is an error that names the site and the sample") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    Tensor x = quant_test::random_tensor({5, 7}, -1, 1, "rows");
    x.mutable_values()[3 * 7 + 2] = static_cast<Scalar>(bad);
    DynamicUniform q = quantizer();
    try {
      static_cast<void>(q.rows(x));
      FAIL("no error");
    } catch (const core::NumericError& error) {
      CHECK(error.where() == "fc1.input");
      CHECK(says(error.what(), "sample 3"));
    }
  }
}

TEST_CASE("the derivative passes everywhere: no value lies outside of its own sample's range") {
  core::Variable x(quant_test::random_tensor({3, 6}, -4, 4, "rows"), true);
  nn::ForwardContext context{.training = true};
  const core::Variable y = quantizer({.bits = 3}).forward(x, context);
  const Tensor dy = quant_test::random_tensor({3, 6}, -1, 1, "dy");
  core::backward(y, dy);
  CHECK(std::ranges::equal(x.grad().values(), dy.values()));
}

TEST_CASE("what dynamic quantization cannot do is refused with its field and the reason") {
  const auto rule = [](const std::string& sites, const std::string& quantizer) {
    return R"({"sites": ")" + sites + R"(", "how": "dynamic", "quantizer": )" + quantizer + "}";
  };
  CHECK(refusal_of(rule("fc*.input", R"("uniform")")) == "no error");
  CHECK(says(refusal_of(rule("fc1.weight", R"("uniform")")), "/rules/0/how"));
  CHECK(says(refusal_of(rule("fc1.weight", R"("uniform")")), "\"fc1.weight\" is a weight"));
  CHECK(says(refusal_of(rule("fc*.input", R"("lsq")")), "/rules/0/quantizer/type"));
  CHECK(says(refusal_of(rule("fc*.input", R"({"type": "uniform", "bits": 9})")), "2 to 8 bits, received 9"));
  CHECK(says(refusal_of(rule("fc*.input", R"({"type": "uniform", "scale": 0.5})")), "/rules/0/quantizer/scale"));
  CHECK(
      says(refusal_of(rule("fc*.input", R"({"type": "uniform", "observer": "mse"})")), "/rules/0/quantizer/observer"));
  CHECK(says(refusal_of(rule("fc*.input", R"({"type": "uniform", "granularity": "per_channel"})")), "granularity"));
  CHECK(says(refusal_of(R"({"sites": "fc1.input", "how": "dynamic"})"), "/rules/0/how"));
  // Once for a rule, not for every site it takes.
  const std::string text = refusal_of(rule("*.input", R"("lsq")"));
  CHECK(text.find("knows \"uniform\" alone") == text.rfind("knows \"uniform\" alone"));
}

TEST_CASE("a dynamic network has no quantizer at its input by default, and no program of integers") {
  nn::Model model(quant_test::layers_of(R"({"type": "linear", "name": "fc1", "out": 4})"), {6}, 1);
  attach(model, quant_test::rules_of(R"({"rules": [{"sites": "*.weight", "quantizer": "uniform"},
                                             {"sites": "fc1.input", "quantizer": "uniform", "how": "dynamic"}]})"));
  CHECK(model.input_site().transform == nullptr);
  quant_test::calibrate_on(model, quant_test::random_tensor({4, 6}, -1, 1, "images"));
  std::string reason;
  try {
    static_cast<void>(lower(model, {}));
  } catch (const core::UnsupportedError& error) {
    reason = error.what();
  }
  CHECK(says(reason, "fc1.input"));
  CHECK(says(reason, "dynamically"));
}

}  // namespace
