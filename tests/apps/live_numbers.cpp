#include "tempera/apps/experiment/live_numbers.hpp"

#include <doctest/doctest.h>

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
                    {"sites": "fc1.weight", "quantizer": {"type": "smoothed_sigmoid", "temperature": 3}},
                    {"sites": "fc1.input", "quantizer": {"type": "smoothed_sigmoid", "temperature": 5}},
                    {"sites": "act1.output", "quantizer": {"type": "smoothed_sigmoid", "temperature": 7}},
                    {"sites": "input", "quantizer": {"type": "smoothed_sigmoid", "temperature": 9}}]})",
      "test", [&](core::FieldVisitor& v) { rules.fields(v); });
  quant::attach(model, rules);
  const nn::OptimizerRegistry& registry = nn::OptimizerRegistry::builtin();
  const auto optimizer = registry.make(*registry.create("sgd"), model.parameters());
  const core::FieldsFn numbers = cli::numbers_of_run(model, *optimizer);
  CHECK(cli::live_number(numbers, "quantization.sites.fc1.weight.temperature", "/schedule") == 3);
  CHECK(cli::live_number(numbers, "quantization.sites.fc1.input.temperature", "/schedule") == 5);
  CHECK(cli::live_number(numbers, "quantization.sites.act1.output.temperature", "/schedule") == 7);
  CHECK(cli::live_number(numbers, "quantization.sites.input.temperature", "/schedule") == 9);
  double& live = cli::live_number(numbers, "quantization.sites.act1.output.temperature", "/schedule");
  live = 40;
  CHECK(&live == &cli::live_number(numbers, "quantization.sites.act1.output.temperature", "/schedule"));
  CHECK_THROWS_AS(
      static_cast<void>(cli::live_number(numbers, "quantization.sites.act1.input.temperature", "/schedule")),
      core::ConfigError);
}
