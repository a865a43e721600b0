// From values to scales and zero points. Oracles: PyTorch's observers (tests/golden/make_ranges.py); closed forms for rounding
// modes, powers of two and what a range may be at its worst.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/configured.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/fake_quant.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;
using nlohmann::json;

std::unique_ptr<Quantizer> quantizer(const json& config, const SiteFacts& site) {
  const QuantizerRegistry& registry = QuantizerRegistry::builtin();
  return registry.make(*configured(registry, config.dump()), site);
}

core::Tensor tensor(const core::Shape& shape, const json& values) {
  core::Tensor x(shape);
  std::ranges::transform(values.get<std::vector<double>>(), x.mutable_values().begin(),
                         [](double v) { return static_cast<Scalar>(v); });
  return x;
}

// The quantizer of a case after it has seen all batches.
QParams params_of(const json& c) {
  const core::Shape shape(c["shape"].get<std::vector<std::int64_t>>());
  const bool weight = c.contains("per_channel");
  json config{{"type", "uniform"},
              {"bits", c["bits"]},
              {"signed", c["signed"]},
              {"narrow", c["narrow"]},
              {"symmetric", c["symmetric"]},
              {"full_range", c["full_range"]},
              {"observer", {{"type", c["name"]}}}};
  if (weight) config["granularity"] = "per_channel";
  if (c.contains("rate")) config["observer"]["rate"] = c["rate"];
  const auto q =
      quantizer(config, {.name = "s", .kind = weight ? nn::SiteKind::kWeight : nn::SiteKind::kOutput, .shape = shape});
  for (const json& batch : c["batches"]) q->observe(tensor(shape, batch));
  return *q->params();
}

QParams with_scale(float scale, Rounding rounding) {
  return {.qmin = -128, .qmax = 127, .rounding = rounding, .scale = {scale}, .zero_point = {3}};
}

}  // namespace

TEST_CASE("scales and zero points of observed ranges are PyTorch's, but for the rounding of a quotient") {
  json golden;
  std::ifstream(TEMPERA_SOURCE_DIR "/tests/golden/ranges.json") >> golden;
  REQUIRE(golden["cases"].size() == 69);
  for (const json& c : golden["cases"]) {
    CAPTURE(c["name"].get<std::string>());
    CAPTURE(c["bits"].get<int>());
    CAPTURE(c["symmetric"].get<bool>());
    const QParams p = params_of(c);
    const auto scale = c["scale"].get<std::vector<float>>();
    REQUIRE(p.scale.size() == scale.size());
    CHECK(p.zero_point == c["zero_point"].get<std::vector<std::int32_t>>());
    const float close = c["name"] == "moving_average" ? 0x1p-20F : 0x1p-22F;
    for (std::size_t i = 0; i < scale.size(); ++i) CHECK(std::abs(p.scale[i] - scale[i]) <= close * scale[i]);
  }
}

TEST_CASE("a moving average begins anew with the very range it sees, and stands ranges of all float32") {
  const ObserverRegistry& registry = ObserverRegistry::builtin();
  const auto average =
      registry.make(*configured(registry, R"({"type": "moving_average", "rate": 0.25})"), ObserverFacts{.site = "s"});
  constexpr auto kMost = static_cast<Scalar>(std::numeric_limits<float>::max());
  average->observe(0, std::vector<Scalar>{Scalar(-1e30), Scalar(1e30)});
  average->reset();
  average->observe(0, std::vector<Scalar>{Scalar(-0.1), Scalar(0.7)});
  CHECK(average->range(0).low == -0.1F);
  CHECK(average->range(0).high == 0.7F);
  average->reset();
  average->observe(0, std::vector<Scalar>{-kMost, -kMost});
  average->observe(0, std::vector<Scalar>{kMost, kMost});
  CHECK(average->range(0).low == doctest::Approx(-0.5 * static_cast<double>(kMost)));
  CHECK(average->range(0).high == doctest::Approx(-0.5 * static_cast<double>(kMost)));
}

TEST_CASE("a power-of-two scale is the power nearest to the scale by its exponent") {
  for (const float high : {1e-38F, 1e-6F, 0.4F, 0.99F, 1.0F, 1.41F, 1.42F, 3.0F, 127.0F, 1e6F, 3e38F}) {
    CAPTURE(high);
    QParams plain{.qmin = -127, .qmax = 127}, power = plain;
    set_scale(plain, 0, {-high / 2, high}, {.symmetric = true});
    set_scale(power, 0, {-high / 2, high}, {.symmetric = true, .power_of_two = true});
    int exponent = 0;
    CHECK(std::frexp(power.scale[0], &exponent) == 0.5F);
    const double apart = std::log2(static_cast<double>(power.scale[0]) / static_cast<double>(plain.scale[0]));
    // Half an octave at most, unless the smallest normal number is in the way.
    CHECK((std::abs(apart) <= 0.5 || power.scale[0] == std::numeric_limits<float>::min()));
  }
}

TEST_CASE("the grid of any finite range has a normal scale, a zero point in its range, and 0 on it") {
  constexpr float kMost = std::numeric_limits<float>::max(), kLeast = std::numeric_limits<float>::denorm_min();
  for (const Range r : {Range{0, 0}, Range{-kMost, kMost}, Range{kMost, kMost}, Range{-kMost, -kMost}, Range{0, kLeast},
                        Range{-kLeast, 0}, Range{5, 5}, Range{-5, -5}, Range{-1e-30F, 1e30F}}) {
    for (const bool symmetric : {false, true}) {
      for (const bool is_signed : {false, true}) {
        for (const int bits : {2, 8, 16}) {
          QParams p;
          set_range(p, bits, is_signed, symmetric);
          set_scale(p, 0, r, {.symmetric = symmetric});
          CAPTURE(r.low);
          CAPTURE(r.high);
          CHECK(std::isnormal(p.scale[0]));
          CHECK(p.scale[0] > 0);
          CHECK(p.zero_point[0] >= p.qmin);
          CHECK(p.zero_point[0] <= p.qmax);
          CHECK(p.dequantize(p.quantize(0)) == 0);
          if (symmetric) CHECK(p.zero_point[0] == 0);
        }
      }
    }
  }
}

TEST_CASE("each rounding takes ties where its name says, and fake quantization goes the same way") {
  struct Row {
    float x;  // in units of the scale
    int half_even, half_away, half_up, floor;
  };
  const std::vector<Row> rows{{0.5F, 0, 1, 1, 0},
                              {1.5F, 2, 2, 2, 1},
                              {2.5F, 2, 3, 3, 2},
                              {-0.5F, 0, -1, 0, -1},
                              {-1.5F, -2, -2, -1, -2},
                              {-2.5F, -2, -3, -2, -3},
                              {0.49999997F, 0, 0, 0, 0},
                              {2.49F, 2, 2, 2, 2},
                              {2.51F, 3, 3, 3, 2},
                              {-0.001F, 0, 0, 0, -1},
                              {-7, -7, -7, -7, -7},
                              {1e30F, 124, 124, 124, 124},
                              {-1e30F, -131, -131, -131, -131}};
  const auto check = [](float x, int steps, Rounding rounding) {
    const QParams grid = with_scale(0.25F, rounding);
    CHECK(grid.quantize(x * 0.25F) == steps + 3);
    const core::Tensor y = fake_quantized(core::Tensor({1}, {static_cast<Scalar>(x * 0.25F)}), grid);
    CHECK(y.values()[0] == static_cast<Scalar>(0.25 * steps));
  };
  for (const Row& row : rows) {
    CAPTURE(row.x);
    check(row.x, row.half_even, Rounding::kHalfEven);
    check(row.x, row.half_away, Rounding::kHalfAway);
    check(row.x, row.half_up, Rounding::kHalfUp);
    check(row.x, row.floor, Rounding::kFloor);
    check(row.x, row.half_even, Rounding::kStochastic);  // without numbers from chance
  }
}

TEST_CASE("stochastic rounding goes to either neighbour with the probability of the distance, whatever the threads") {
  constexpr std::int64_t kCount = 200000;
  const core::Random random(3, "rounding");
  const QParams grid = with_scale(0.5F, Rounding::kStochastic);
  const int before = core::thread_count();
  for (const double share : {0.0, 0.125, 0.5, 0.75}) {
    CAPTURE(share);
    const core::Tensor x = core::Tensor::full({kCount}, static_cast<Scalar>(0.5 * (4 + share)));
    core::set_thread_count(1);
    const core::Tensor y = fake_quantized(x, grid, &random);
    core::set_thread_count(3);
    CHECK(std::ranges::equal(fake_quantized(x, grid, &random).values(), y.values()));
    const auto up = std::ranges::count(y.values(), Scalar(2.5));
    CHECK(up + std::ranges::count(y.values(), Scalar(2)) == kCount);
    const double deviation = std::sqrt(share * (1 - share) / kCount);
    CHECK(std::abs(static_cast<double>(up) / kCount - share) <= 5 * deviation);
  }
  core::set_thread_count(before);
}
