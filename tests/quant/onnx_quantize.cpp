// Oracle: ONNX's quantization operators, run by the onnx package's reference evaluator (tests/golden/make_onnx_quantization.py).
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "quant/golden_grid.hpp"
#include "quant/onnx_golden.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant_test::onnx;

}  // namespace

TEST_CASE("integers of a tensor, of channels and of groups are those of ONNX's QuantizeLinear") {
  for (const json& c : golden()["quantize"]) {
    CAPTURE(c["name"].get<std::string>());
    const QParams grid = quant_test::golden_grid(c);
    const core::Shape shape = shape_of(c["shape"]);
    const core::Tensor x = tensor(shape, c["x"]);
    const auto expected = c["q"].get<Int32s>();
    Int32s got;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto index = static_cast<std::int64_t>(i);
      got.push_back(grid.quantize(static_cast<float>(x.values()[i]), grid.slot(index, shape)));
    }
    CHECK(got == expected);
    if (grid.scale.size() > 1 || grid.bits < 8) continue;
    const Program program = quantizing(grid, shape);
    const core::Tensor sample = tensor(shape.with_batch(1), c["x"]);
    CHECK(by_engine(program, sample) == expected);
    CHECK(run_reference(program, sample).values == expected);
  }
}

TEST_CASE("dequantized and fake-quantized values have the bits of ONNX's DequantizeLinear") {
  for (const json& c : golden()["quantize"]) {
    CAPTURE(c["name"].get<std::string>());
    const QParams grid = quant_test::golden_grid(c);
    const core::Shape shape = shape_of(c["shape"]);
    const core::Tensor expected = tensor(shape, c["dequantized"]), y = fake_quantized(tensor(shape, c["x"]), grid);
    const auto q = c["q"].get<Int32s>();
    for (std::size_t i = 0; i < q.size(); ++i) {
      CAPTURE(i);
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(expected.values()[i]));
      CHECK(std::bit_cast<std::uint32_t>(grid.dequantize(q[i], grid.slot(static_cast<std::int64_t>(i), shape))) ==
            bits);
      CHECK(y.values()[i] == expected.values()[i]);  // −0 of the float road is 0 of the integers
    }
  }
}

TEST_CASE("the scale and zero point of a range are those of ONNX's DynamicQuantizeLinear") {
  int same_scale = 0;
  for (const json& c : golden()["dynamic"]) {
    const auto name = c["name"].get<std::string>();
    CAPTURE(name);
    CAPTURE(c["x"].dump());
    const core::Tensor x = tensor({static_cast<std::int64_t>(c["x"].size())}, c["x"]);
    QParams grid{.is_signed = false, .qmin = 0, .qmax = 255};
    set_scale(grid, 0, finite_range(x.values(), "x"), {.symmetric = false});
    const auto scale = c["scale"][0].get<float>();
    CHECK(grid.zero_point[0] == c["zero_point"].get<int>());
    // ONNX rounds the range and then the quotient, we round the quotient alone. For zeros ONNX leaves the scale open.
    if (name == "exact" || name == "one sign") CHECK(grid.scale[0] == scale);
    if (name != "zeros") CHECK(std::abs(grid.scale[0] - scale) <= scale * 0x1p-23F);
    if (grid.scale[0] != scale && name != "zeros") continue;
    ++same_scale;
    const auto q = c["q"].get<Int32s>();
    for (std::size_t i = 0; i < q.size(); ++i) CHECK(grid.quantize(static_cast<float>(x.values()[i])) == q[i]);
  }
  CHECK(same_scale >= 14);
}
