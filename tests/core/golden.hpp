// Operations against files of operands, cotangents, results and gradients that PyTorch computed.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/worse.hpp"
#include "tempera/core/variable.hpp"

namespace tempera::golden_test {

using core::Shape;
using core::Tensor;
using core::Variable;
using Json = nlohmann::json;
using Variables = std::vector<Variable>;
/// One operation on the operands of a case; `extra` are tensors that the case holds besides.
using Run = Variable (*)(const Variables& in, const Json& options, const Json& extra);
using Operations = std::map<std::string, Run>;

/// Sums of a few dozen terms of size about 1, in the precision of the build.
inline constexpr double kTolerance = sizeof(Scalar) == sizeof(double) ? 2e-8 : 2e-5;

inline Tensor tensor(const Json& json) {
  const auto extents = json.at("shape").get<std::vector<std::int64_t>>();
  const auto values = json.at("values").get<std::vector<Scalar>>();
  return Tensor(Shape(std::span<const std::int64_t>(extents)), std::span<const Scalar>(values));
}

/// The largest |got − expected| / max(1, |expected|).
inline double worst_difference(const Tensor& got, const Json& expected) {
  const auto values = expected.at("values").get<std::vector<double>>();
  const auto extents = expected.at("shape").get<std::vector<std::int64_t>>();
  REQUIRE(got.shape() == Shape(std::span<const std::int64_t>(extents)));
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double scale = std::max(1.0, std::abs(values[i]));
    worst = test::worse(worst, std::abs(static_cast<double>(got.data()[i]) - values[i]) / scale);
  }
  return worst;
}

inline void check_case(const Json& c, const Operations& operations) {
  Variables inputs;
  for (const Json& input : c.at("inputs")) inputs.emplace_back(tensor(input), true);
  const Variable y = operations.at(c.at("op"))(inputs, c.at("options"), c.value("extra", Json::object()));
  CHECK(worst_difference(y.value(), c.at("y")) < kTolerance);
  core::backward(y, tensor(c.at("dy")));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    CHECK(worst_difference(inputs[i].grad(), c.at("gradients").at(i)) < kTolerance);
  }
}

/// Checks every case of tests/golden/<name>.
inline void check_file(const std::string& name, const Operations& operations) {
  std::ifstream file(TEMPERA_SOURCE_DIR "/tests/golden/" + name);
  const Json cases = Json::parse(file).at("cases");
  CHECK(cases.size() >= operations.size());
  for (const Json& c : cases) {
    const std::string what = c.at("op").get<std::string>() + " " + c.at("options").dump();
    CAPTURE(what);
    check_case(c, operations);
  }
}

}  // namespace tempera::golden_test
