// Values on grids of their own: half floats, ternary weights, powers of two. Oracles: the bit patterns of binary16 and bfloat16
// decoded by their standards, all 65536 of each; the papers' equations as loops; a search over all powers.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "nn/configured.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/overflows.hpp"
#include "tempera/quant/quantizer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

std::unique_ptr<Quantizer> quantizer(const std::string& config, const core::Shape& shape) {
  const QuantizerRegistry& registry = QuantizerRegistry::builtin();
  return registry.make(*configured(registry, config),
                       SiteFacts{.name = "fc1.weight", .kind = nn::SiteKind::kWeight, .shape = shape});
}

std::vector<float> rounded(Quantizer& q, const std::vector<float>& x) {
  core::Tensor in({static_cast<std::int64_t>(x.size())});
  for (std::size_t i = 0; i < x.size(); ++i) in.mutable_values()[i] = static_cast<Scalar>(x[i]);
  nn::ForwardContext context;
  const core::Tensor y = q.forward(core::Variable(in), context).value();
  return {y.values().begin(), y.values().end()};
}

// A non-negative finite number of a format by its bits, and for all ones of the exponent what would come next.
using Decode = std::function<double(std::uint32_t bits)>;
double binary16(std::uint32_t bits) {  // IEEE 754-2019, 3.4: 5 bits of exponent, biased by 15, and 10 of fraction
  const auto exponent = static_cast<int>(bits >> 10), fraction = static_cast<int>(bits & 1023);
  return exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
}
double bfloat16(
    std::uint32_t bits) {  // the upper half of a float32: 8 bits of exponent, biased by 127, and 7 of fraction
  const auto exponent = static_cast<int>(bits >> 7), fraction = static_cast<int>(bits & 127);
  return exponent == 0 ? std::ldexp(fraction, -133) : std::ldexp(128 + fraction, exponent - 134);
}

bool same(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

// Every number, every tie between two of them, and the neighbours of the tie, of both signs.
void check_format(const char* type, const Decode& decode, std::uint32_t infinity) {
  std::vector<float> x, expected;
  const auto expect = [&](double from, double to) {
    for (const double sign : {1.0, -1.0}) {
      x.push_back(static_cast<float>(sign * from));
      expected.push_back(static_cast<float>(sign * to));
    }
  };
  for (std::uint32_t bits = 0; bits < infinity; ++bits) {
    const double below = decode(bits), above = decode(bits + 1), tie = (below + above) / 2;
    const double next = bits + 1 == infinity ? std::numeric_limits<double>::infinity() : above;
    const auto middle = static_cast<float>(tie);
    expect(below, below);
    if (static_cast<double>(middle) != tie) continue;  // between float32's own subnormals
    expect(tie, bits % 2 == 0 ? below : next);
    expect(static_cast<double>(std::nextafter(middle, 0.0F)), below);
    expect(static_cast<double>(std::nextafter(middle, std::numeric_limits<float>::infinity())), next);
  }
  const auto q = quantizer(std::string("\"") + type + "\"", {1});
  const std::vector<float> y = rounded(*q, x);
  std::int64_t wrong = 0, overflows = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    wrong += same(y[i], expected[i]) ? 0 : 1;
    overflows += std::isinf(y[i]) ? 1 : 0;
  }
  CHECK(wrong == 0);
  CHECK(overflows == 4);  // the last tie and what lies above it
  const auto counted = dynamic_cast<const CountsOverflows&>(*q).overflows();
  CHECK(counted.count == overflows);
  CHECK(counted.of == static_cast<std::int64_t>(x.size()));
}

// Weights of other sizes in every row.
core::Tensor weights(const core::Shape& shape, double deviation = 0.3) {
  core::Tensor w(shape);
  core::Random(6, "weights").fill_normal(w.mutable_values(), 0, deviation);
  const auto row = static_cast<std::size_t>(shape.numel() / shape[0]);
  for (std::size_t i = 0; i < w.values().size(); ++i) {
    const std::size_t channel = i / row;
    w.mutable_values()[i] *= static_cast<Scalar>(1 + channel);
  }
  return w;
}

}  // namespace

TEST_CASE("every binary16 stays, what lies between goes to the nearest, ties to even, beyond 65504 to infinity") {
  CHECK(binary16(0x7BFF) == 65504);
  check_format("float16", binary16, 0x7C00);
}

TEST_CASE("every bfloat16 stays, what lies between goes to the nearest, ties to even") {
  CHECK(bfloat16(0x3F80) == 1);
  check_format("bfloat16", bfloat16, 0x7F80);
}

TEST_CASE("half floats pass infinities and the derivative on, and keep NaN") {
  constexpr auto kInfinity = std::numeric_limits<Scalar>::infinity();
  for (const char* type : {R"("float16")", R"("bfloat16")"}) {
    const auto q = quantizer(type, {4});
    nn::ForwardContext context{.training = true};
    core::Variable x(core::Tensor({4}, {kInfinity, -kInfinity, static_cast<Scalar>(std::nan("")), Scalar(0.1)}), true);
    const core::Variable y = q->forward(x, context);
    CHECK(y.value().values()[0] == kInfinity);
    CHECK(y.value().values()[1] == -kInfinity);
    CHECK(std::isnan(y.value().values()[2]));
    CHECK(dynamic_cast<const CountsOverflows&>(*q).overflows().count == 0);  // nothing was finite before
    core::backward(y, core::Tensor({4}, {1, 2, 3, 4}));
    CHECK(std::ranges::equal(x.grad().values(), std::vector<Scalar>{1, 2, 3, 4}));
  }
}

TEST_CASE(
    "ternary weights have the threshold 0.7·mean|w| and the mean of |w| above it, of the tensor or of a channel") {
  const core::Tensor w = weights({5, 40});
  for (const bool per_channel : {false, true}) {
    const auto q = quantizer(per_channel ? R"({"type": "ternary", "per_channel": true})" : R"("ternary")", w.shape());
    q->observe(w);
    const Integers got = q->integers(w);
    const std::size_t rows = per_channel ? 5 : 1, row = w.values().size() / rows;
    REQUIRE(got.params.scale.size() == rows);
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0, above = 0, count = 0;
      for (std::size_t i = r * row; i < (r + 1) * row; ++i) sum += std::abs(static_cast<double>(w.values()[i]));
      const double threshold = 0.7 * sum / static_cast<double>(row);
      for (std::size_t i = r * row; i < (r + 1) * row; ++i) {
        const auto value = static_cast<double>(w.values()[i]);
        const int expected = value > threshold ? 1 : value < -threshold ? -1 : 0;
        CHECK(got.values[i] == expected);
        above += expected == 0 ? 0 : std::abs(value);
        count += expected == 0 ? 0 : 1;
      }
      CHECK(count > 0);
      CHECK(static_cast<double>(got.params.scale[r]) == doctest::Approx(above / count).epsilon(1e-6));
    }
  }
}

TEST_CASE("ternary weights that are all alike keep their size, zeros stay 0") {
  const auto q = quantizer(R"({"type": "ternary", "per_channel": true})", {2, 3});
  const core::Tensor w({2, 3}, {Scalar(0.5), Scalar(-0.5), Scalar(0.5), 0, 0, 0});
  q->observe(w);
  CHECK(q->integers(w).values == std::vector<std::int32_t>{1, -1, 1, 0, 0, 0});
  CHECK(q->params()->scale == std::vector<float>{0.5F, 1.0F});
}

TEST_CASE("weights of k bits become 0 or the nearest of 2^(k−1) − 1 powers of two by their logarithm") {
  for (const int bits : {2, 3, 4, 5}) {
    for (const double size : {1e-30, 0.01, 0.3, 700.0, 1e30}) {
      CAPTURE(bits);
      CAPTURE(size);
      const core::Tensor w = weights({4, 50}, size);
      const auto q = quantizer(R"({"type": "power_of_two_values", "bits": )" + std::to_string(bits) + "}", w.shape());
      q->observe(w);
      double largest = 0;
      for (const Scalar v : w.values()) largest = std::max(largest, std::abs(static_cast<double>(v)));
      const int powers = (1 << (bits - 1)) - 1;
      const int top = static_cast<int>(std::floor(std::log2(largest) + 0.5));  // never on a tie: √2 is irrational
      const Integers got = q->integers(w);
      CHECK(static_cast<double>(got.params.scale[0]) == std::ldexp(1.0, top - powers + 1));
      for (std::size_t i = 0; i < got.values.size(); ++i) {
        const auto value = static_cast<double>(w.values()[i]);
        int best = 0;
        double least = std::numeric_limits<double>::infinity();
        for (int e = 0; e < powers; ++e) {
          const double distance = std::abs(std::log2(std::abs(value)) - (top - powers + 1 + e));
          if (distance < least) best = e;
          least = std::min(least, distance);
        }
        const bool zero = std::abs(value) < std::ldexp(0.5, top - powers + 1);  // nearer to 0 than to the smallest
        CHECK(got.values[i] == (zero ? 0 : value > 0 ? 1 << best : -(1 << best)));
        CHECK(got.values[i] >= got.params.qmin);
        CHECK(got.values[i] <= got.params.qmax);
      }
    }
  }
}

TEST_CASE("grids for weights refuse activations by the site's name, and pass the derivative on") {
  const QuantizerRegistry& registry = QuantizerRegistry::builtin();
  for (const char* type : {R"("ternary")", R"("power_of_two_values")"}) {
    CHECK_THROWS_WITH_AS(
        static_cast<void>(registry.make(*configured(registry, type), SiteFacts{.name = "act1.output", .shape = {4}})),
        doctest::Contains("act1.output"), core::ConfigError);
    const auto q = quantizer(type, {2, 3});
    core::Variable w(weights({2, 3}), true);
    q->observe(w.value());
    nn::ForwardContext context{.training = true};
    const core::Variable y = q->forward(w, context);
    const Integers integers = q->integers(w.value());
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(y.value().values()[i] == static_cast<Scalar>(integers.params.dequantize(integers.values[i])));
    }
    core::backward(y, core::Tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
    CHECK(std::ranges::equal(w.grad().values(), std::vector<Scalar>{1, 2, 3, 4, 5, 6}));
  }
}

TEST_CASE("float16 counts what became infinite: of activations over all passes, of a weight in the last one") {
  const std::vector<float> x{65504, 65519.99F, 65520, 1e30F, -65519.99F, -65520, 1};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> expected{65504, 65504, kInfinity, kInfinity, -65504, -kInfinity, 1};
  const QuantizerRegistry& registry = QuantizerRegistry::builtin();
  for (const nn::SiteKind kind : {nn::SiteKind::kWeight, nn::SiteKind::kOutput}) {
    const auto q = registry.make(*registry.create("float16"), SiteFacts{.name = "s", .kind = kind, .shape = {7}});
    CHECK(rounded(*q, x) == expected);
    static_cast<void>(rounded(*q, x));
    auto& counter = dynamic_cast<CountsOverflows&>(*q);
    const int passes = kind == nn::SiteKind::kWeight ? 1 : 2;
    CHECK(counter.overflows().count == 3 * passes);
    CHECK(counter.overflows().of == 7 * passes);
    counter.forget_overflows();
    CHECK(counter.overflows().count == 0);
    CHECK(rounded(*q, {kInfinity, -kInfinity, std::nanf("")})[0] == kInfinity);  // were none before: nothing is lost
    CHECK(counter.overflows().count == 0);
  }
}
