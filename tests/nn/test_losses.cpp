#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/configured.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/nn/loss.hpp"

using namespace tempera;
using core::Tensor;

namespace {

std::unique_ptr<nn::Loss> loss(const std::string& json) {
  const nn::LossRegistry& registry = nn::LossRegistry::builtin();
  return registry.make(*configured(registry, json));
}

}  // namespace

TEST_CASE("every loss and its gradient equal PyTorch's") {
  nlohmann::json golden;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/losses.json") >> golden;
  std::vector<Scalar> values;
  for (const auto& row : golden["outputs"]) {
    for (const auto& value : row) values.push_back(value.get<Scalar>());
  }
  const auto labels = golden["labels"].get<std::vector<std::int32_t>>();
  for (const auto& item : golden["cases"]) {
    const std::string config = item["config"].dump();
    CAPTURE(config);
    const core::Variable outputs(Tensor({5, 4}, values), true);
    const core::Variable value = (*loss(config))(outputs, labels);
    CHECK(value.value().item() == doctest::Approx(item["value"].get<double>()).epsilon(1e-5));
    core::backward(value);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(std::abs(outputs.grad().values()[i] - item["gradient"][i].get<double>()) < 2e-6);
    }
  }
}

TEST_CASE("every loss refuses labels outside of the classes, counts that differ and an empty batch") {
  const core::Variable outputs(Tensor::zeros({2, 3}), true);
  const core::Variable none(Tensor::zeros({0, 3}), true);
  for (const std::string& name : nn::LossRegistry::builtin().names()) {
    CAPTURE(name);
    const auto under_test = loss(nlohmann::json{{"type", name}}.dump());
    CHECK_THROWS_AS((void)(*under_test)(outputs, std::vector<std::int32_t>{0, 3}), core::ShapeError);
    CHECK_THROWS_AS((void)(*under_test)(outputs, std::vector<std::int32_t>{0, -1}), core::ShapeError);
    CHECK_THROWS_AS((void)(*under_test)(outputs, std::vector<std::int32_t>{0}), core::ShapeError);
    CHECK_THROWS_AS((void)(*under_test)(none, std::vector<std::int32_t>{}), core::ShapeError);
  }
}
