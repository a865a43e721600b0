// Oracle: ONNX's quantization operators, run by the onnx package's reference evaluator (tests/golden/make_onnx_quantization.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "quant/onnx_golden.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant_test::onnx;

std::array<std::int64_t, 2> pair_of(const json& value) { return value.get<std::array<std::int64_t, 2>>(); }

// A linear layer or a convolution of the golden file as a program; its accumulators if there is no `mode`.
class Layer {
 public:
  explicit Layer(const json& layer) : layer_(layer), conv_(layer.contains("groups")) {
    const core::Shape all = shape_of(layer["shape"]);
    batch_ = all[0];
    sample_ = conv_ ? all.without_batch() : core::Shape{all[1]};
    channels_ = conv_ ? layer["weight"][0].get<std::int64_t>() : all[2];
    output_ = conv_ ? shape_of(layer["accumulator_shape"]).without_batch() : core::Shape{channels_};
  }

  [[nodiscard]] Program program(const RequantMode* mode) const {
    const QParams grid{
        .qmin = layer_["x_low"], .qmax = layer_["x_high"], .scale = {1}, .zero_point = {layer_["x_zero"]}};
    Program p = quantizing(grid, sample_);
    std::optional<Requant> requant;
    if (mode != nullptr) {
      requant = Requant{.multipliers = {},
                        .mode = *mode,
                        .zero_point = layer_["y_zero"],
                        .low = layer_["y_low"],
                        .high = layer_["y_high"]};
      for (const double m : layer_["multiplier"]) requant->multipliers.push_back(multiplier_of(m));
      p.buffers.push_back(activations(output_, 8, requant->low, requant->high, requant->zero_point));
    } else {
      p.buffers.push_back({.site = "acc", .shape = output_, .cell = Cell::kS32, .bits = 32});
    }
    p.instructions.push_back({operation(requant), "layer", {0}, 1});
    return p;
  }
  // Samples whose values are the integers less the zero point, at scale 1.
  [[nodiscard]] core::Tensor samples() const {
    core::Tensor x = tensor(sample_.with_batch(batch_), layer_["x"]);
    for (Scalar& v : x.mutable_values()) v -= static_cast<Scalar>(layer_["x_zero"].get<int>());
    return x;
  }
  // acc · M of every output, exactly: M has 24 bits and accumulators have fewer than 29.
  [[nodiscard]] std::vector<double> products() const {
    const auto multiplier = layer_["multiplier"].get<std::vector<double>>();
    const auto accumulators = layer_["accumulators"].get<Int32s>();
    const auto per_channel = static_cast<std::size_t>(output_.numel() / channels_);
    std::vector<double> exact;
    for (std::size_t i = 0; i < accumulators.size(); ++i) {
      const std::size_t channel = i / per_channel % static_cast<std::size_t>(channels_);
      exact.push_back(accumulators[i] * multiplier[multiplier.size() == 1 ? 0 : channel]);
    }
    return exact;
  }
  // saturate(rounded + zero point)
  [[nodiscard]] std::int32_t saturated(double rounded) const {
    return static_cast<std::int32_t>(std::clamp(rounded + layer_["y_zero"].get<int>(), layer_["y_low"].get<double>(),
                                                layer_["y_high"].get<double>()));
  }

 private:
  // Unsigned weights become signed as program.hpp says: values and zero points are moved by 2^7.
  [[nodiscard]] ProgramWeight weight() const {
    const std::int32_t moved = layer_["w_signed"] ? 0 : 128;
    ProgramWeight w{.shape = conv_ ? shape_of(layer_["weight"]) : core::Shape{channels_, sample_[0]},
                    .bits = 8,
                    .values = {},
                    .zero_points = layer_["w_zero"].get<Int32s>()};
    for (const int q : layer_["w"]) w.values.push_back(static_cast<std::int8_t>(q - moved));
    if (w.zero_points.size() == 1) w.zero_points.resize(static_cast<std::size_t>(channels_), w.zero_points[0]);
    for (std::int32_t& zero : w.zero_points) zero -= moved;
    return w;
  }
  [[nodiscard]] program::Operation operation(const std::optional<Requant>& requant) const {
    if (!conv_) return program::Linear{weight(), Int32s(static_cast<std::size_t>(channels_)), requant};
    return program::Conv2d{weight(),
                           layer_["bias"].get<Int32s>(),
                           pair_of(layer_["stride"]),
                           pair_of(layer_["padding"]),
                           pair_of(layer_["dilation"]),
                           layer_["groups"],
                           requant};
  }

  const json& layer_;
  bool conv_;
  std::int64_t batch_ = 0, channels_ = 0;
  core::Shape sample_, output_;
};

// Calls check(layer, integers of a run) for reference and engine, over all layers.
template <class Check>
void over_layers(const RequantMode* mode, const Check& check) {
  int count = 0;
  for (const char* kind : {"linear", "conv"}) {
    for (const json& layer : golden()[kind]) {
      CAPTURE(kind);
      CAPTURE(layer["shape"].dump());
      CAPTURE(layer["dyadic"].get<bool>());
      const Layer made(layer);
      const Program program = made.program(mode);
      check(layer, made, run_reference(program, made.samples()).values);
      check(layer, made, by_engine(program, made.samples()));
      ++count;
    }
  }
  CHECK(count == 15);
}

double distance_from_tie(double x) { return std::abs(x - std::floor(x) - 0.5); }

}  // namespace

TEST_CASE("accumulators are those of ONNX's MatMulInteger and ConvInteger") {
  over_layers(nullptr, [](const json& layer, const Layer&, const Int32s& got) {
    CHECK(got == layer["accumulators"].get<Int32s>());
  });
}

TEST_CASE("float32 requantization gives the integers of ONNX's QLinearMatMul and QLinearConv, ties too") {
  const RequantMode mode = RequantMode::kFloat32;
  over_layers(&mode,
              [](const json& layer, const Layer&, const Int32s& got) { CHECK(got == layer["y"].get<Int32s>()); });
}

TEST_CASE("fixed-point requantization differs from ONNX's at ties alone, which it rounds away from 0") {
  const RequantMode mode = RequantMode::kSingle;
  std::int64_t ties = 0;
  over_layers(&mode, [&](const json& layer, const Layer& made, const Int32s& got) {
    auto expected = layer["y"].get<Int32s>();
    const std::vector<double> products = made.products();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (distance_from_tie(products[i]) > 0) continue;
      ties += expected[i] != made.saturated(std::round(products[i])) ? 1 : 0;
      expected[i] = made.saturated(std::round(products[i]));
    }
    CHECK(got == expected);
  });
  CHECK(ties > 50);  // that half to even and half away decide otherwise
}

TEST_CASE("gemmlowp's two roundings differ from ONNX's by one, and only within the first one's error of a tie") {
  const RequantMode mode = RequantMode::kGemmlowpDouble;
  over_layers(&mode, [](const json& layer, const Layer& made, const Int32s& got) {
    const auto expected = layer["y"].get<Int32s>();
    const std::vector<double> products = made.products();
    double largest = 0;
    for (const double m : layer["multiplier"]) largest = std::max(largest, m);
    // The first rounding is to a multiple of 2^−shift, and so errs by half of that.
    const double error = std::exp2(-multiplier_of(largest).shift) / 2;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(products[i]);
      CHECK(std::abs(got[i] - expected[i]) <= 1);
      if (distance_from_tie(products[i]) > error) CHECK(got[i] == expected[i]);
    }
  });
}
