#include "tempera/apps/experiment/live_numbers.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/quant/attach.hpp"

using namespace tempera;

TEST_CASE("a schedule reaches the temperature of every site, also where a layer has several") {
  nn::ModelConfig layers;
  core::read_json(R"({"layers": [{"type": "linear", "name": "fc1", "out": 3}, {"type": "relu", "name": "act1"}]})",
                  "test", [&](core::FieldVisitor& v) { layers.fields(v); });
  nn::Model model(layers, {4}, 1);
  quant::QuantizationConfig rules;
  core::read_json(
      R"({"rules": [{"sites": "*", "quantizer": {"type": "uniform"}},
                    {"sites": "fc1.weight", "quantizer": {"type": "smoothed_sigmoid", "growth": "constant", "temperature": 3}},
                    {"sites": "fc1.input", "quantizer": {"type": "smoothed_sigmoid", "growth": "constant", "temperature": 5}},
                    {"sites": "act1.output", "quantizer": {"type": "smoothed_sigmoid", "growth": "constant", "temperature": 7}},
                    {"sites": "fc1.output", "quantizer": {"type": "smoothed_sigmoid", "temperature": 8}},
                    {"sites": "input", "quantizer": {"type": "smoothed_sigmoid", "growth": "constant", "temperature": 9}}]})",
      "test", [&](core::FieldVisitor& v) { rules.fields(v); });
  quant::attach(model, rules);
  const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
  const auto optimizer = registry.make(*registry.create("sgd"), model.parameters());
  const core::FieldsFn numbers = cli::numbers_of_run(model, *optimizer);
  CHECK(cli::live_number(numbers, "quantization.sites.fc1.weight.temperature", "/schedule") == 3);
  CHECK(cli::live_number(numbers, "quantization.sites.fc1.input.temperature", "/schedule") == 5);
  CHECK(cli::live_number(numbers, "quantization.sites.act1.output.temperature", "/schedule") == 7);
  CHECK(cli::live_number(numbers, "quantization.sites.input.temperature", "/schedule") == 9);
  // Two roads to one number would be multiplied.
  try {
    static_cast<void>(cli::live_number(numbers, "quantization.sites.fc1.output.temperature", "/schedule"));
    FAIL("what grows by itself was scheduled");
  } catch (const core::ConfigError& error) {
    CHECK(std::string(error.what()).find("\"growth\": \"constant\"") != std::string::npos);
  }
  double& live = cli::live_number(numbers, "quantization.sites.act1.output.temperature", "/schedule");
  live = 40;
  CHECK(&live == &cli::live_number(numbers, "quantization.sites.act1.output.temperature", "/schedule"));
  CHECK_THROWS_AS(
      static_cast<void>(cli::live_number(numbers, "quantization.sites.act1.input.temperature", "/schedule")),
      core::ConfigError);
}
