// What the tests share that compare with ONNX's operators (tests/golden/make_onnx_quantization.py).
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"

namespace tempera::quant_test::onnx {

using namespace quant;
using nlohmann::json;
using Int32s = std::vector<std::int32_t>;

inline const json& golden() {
  static const json all = [] {
    json read;
    std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/onnx_quantization.json") >> read;
    return read;
  }();
  return all;
}

inline core::Shape shape_of(const json& value) { return core::Shape(value.get<std::vector<std::int64_t>>()); }

inline core::Tensor tensor(const core::Shape& shape, const json& values) {
  core::Tensor x(shape);
  std::ranges::transform(values.get<std::vector<double>>(), x.mutable_values().begin(),
                         [](double v) { return static_cast<Scalar>(v); });
  return x;
}

/// Which cells hold q from `low` on, in `bits`.
inline ProgramBuffer activations(const core::Shape& shape, int bits, std::int32_t low, std::int32_t high,
                                 std::int32_t zero) {
  const Cell narrow = low == 0 ? Cell::kU8 : Cell::kS8, wide = low == 0 ? Cell::kU16 : Cell::kS16;
  return {.site = "x",
          .shape = shape,
          .cell = bits <= 8 ? narrow : wide,
          .bits = bits,
          .low = low,
          .high = high,
          .zero_point = zero};
}

/// Samples onto a grid, and no more.
inline Program quantizing(const QParams& params, const core::Shape& sample) {
  return {.buffers = {activations(sample, params.bits, params.qmin, params.qmax, params.zero_point[0])},
          .instructions = {{program::Quantize{params}, "input", {}, 0}},
          .input = sample,
          .metadata = {}};
}

inline Int32s by_engine(const Program& program, const core::Tensor& x) {
  Engine engine(program);
  const auto y = engine.run(x);
  return {y.begin(), y.end()};
}

}  // namespace tempera::quant_test::onnx
