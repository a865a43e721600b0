// Oracle: torch.fake_quantize_per_tensor_affine and _per_channel_affine, forwards and backwards
// (tests/golden/make_fake_quantize.py); for what PyTorch leaves open, the definition in qparams.hpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "quant/golden_grid.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/core/variable.hpp"
#include "tempera/quant/fake_quant.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using nlohmann::json;

json golden() {
  json all;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/fake_quantize.json") >> all;
  REQUIRE(all["cases"].size() == 16);
  return all["cases"];
}

core::Tensor tensor(const json& c, const char* key) {
  core::Tensor x(core::Shape(c["shape"].get<std::vector<std::int64_t>>()));
  std::ranges::transform(c[key].get<std::vector<double>>(), x.mutable_values().begin(),
                         [](double v) { return static_cast<Scalar>(v); });
  return x;
}

}  // namespace

TEST_CASE("fake quantization has PyTorch's values, on ties and at both ends too") {
  for (const json& c : golden()) {
    CAPTURE(c["name"].get<std::string>());
    const core::Tensor y = fake_quantized(tensor(c, "x"), quant_test::golden_grid(c)), expected = tensor(c, "y");
    for (std::size_t i = 0; i < y.values().size(); ++i) {
      CAPTURE(c["x"][i].get<double>());
      CHECK(y.values()[i] == expected.values()[i]);
    }
  }
}

TEST_CASE("the clipped straight-through derivative is PyTorch's: dy where the rounded integer lies in the range") {
  for (const json& c : golden()) {
    CAPTURE(c["name"].get<std::string>());
    core::Variable x(tensor(c, "x"), true);
    core::backward(fake_quant(x, quant_test::golden_grid(c), Surrogate::kClipped), tensor(c, "dy"));
    const core::Tensor expected = tensor(c, "dx");
    for (std::size_t i = 0; i < expected.values().size(); ++i) {
      CAPTURE(c["x"][i].get<double>());
      CHECK(x.grad().values()[i] == expected.values()[i]);
    }
  }
}

TEST_CASE("the identity surrogate passes the derivative everywhere, with the same values") {
  for (const json& c : golden()) {
    core::Variable x(tensor(c, "x"), true);
    const core::Variable y = fake_quant(x, quant_test::golden_grid(c), Surrogate::kIdentity);
    core::backward(y, tensor(c, "dy"));
    CHECK(std::ranges::equal(y.value().values(), tensor(c, "y").values()));
    CHECK(std::ranges::equal(x.grad().values(), tensor(c, "dy").values()));
  }
}

TEST_CASE("infinities go to the ends of the range without a derivative, NaN stays NaN without one") {
  constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity(), kNan = std::numeric_limits<Scalar>::quiet_NaN();
  for (const std::int32_t zero : {-128, 0, 5, 127}) {
    const QParams grid{.qmin = -128, .qmax = 127, .scale = {0.5F}, .zero_point = {zero}};
    core::Variable x(core::Tensor({5}, {kInfinity, -kInfinity, kNan, Scalar(3e38), Scalar(-3e38)}), true);
    const core::Variable y = fake_quant(x, grid, Surrogate::kClipped);
    core::backward(y, core::Tensor::full({5}, 1));
    const auto high = static_cast<Scalar>(127 - zero) / 2, low = static_cast<Scalar>(-128 - zero) / 2;
    CHECK(y.value().values()[0] == high);
    CHECK(y.value().values()[1] == low);
    CHECK(std::isnan(y.value().values()[2]));
    CHECK(y.value().values()[3] == high);
    CHECK(y.value().values()[4] == low);
    CHECK(std::ranges::all_of(x.grad().values(), [](Scalar g) { return g == 0; }));
  }
}

TEST_CASE("a tie of the true quotient goes to the even integer, even where the product with 1/s is no tie") {
  // Where 2.5·s and its quotient by s are exact, the tie goes to 2; the product with 1/s is not a tie for every such s.
  std::int64_t differ = 0;
  for (int i = 1; i < 2000; ++i) {
    const float s = static_cast<float>(i) * 0.0007F, x = 2.5F * s;
    if (x / s != 2.5F) continue;
    const QParams grid{.scale = {s}, .zero_point = {0}};
    CHECK(grid.quantize(x) == 2);
    CHECK(fake_quantized(core::Tensor({1}, {static_cast<Scalar>(x)}), grid).values()[0] == static_cast<Scalar>(2 * s));
    differ += std::nearbyint(x * (1 / s)) != 2 ? 1 : 0;
  }
  CHECK(differ > 0);  // so that the test could fail
}
