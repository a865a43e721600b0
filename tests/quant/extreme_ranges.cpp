// Values at the ends of float32. Oracles: powers of two change no digit of a float, so whatever is chosen from values must be
// chosen from 2^k times as large ones 2^k times as large; the affine equations in long double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "nn/configured.hpp"
#include "tempera/core/random.hpp"
#include "tempera/quant/observer.hpp"
#include "tempera/quant/quantizer.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

constexpr float kMost = std::numeric_limits<float>::max();

// Most of them small, as weights and activations are; the largest one is 1.9.
std::vector<double> values_of(std::size_t n) {
  std::vector<Scalar> values(n);
  core::Random(11, "extremes").fill_normal(values, 0.1, 0.4);
  std::vector<double> all(values.begin(), values.end());
  for (double& x : all) x = std::clamp(x, -1.7, 1.9);
  all[n / 2] = 1.9F;
  return all;
}

std::unique_ptr<Observer> observer(const std::string& type, bool symmetric) {
  const ObserverRegistry& registry = ObserverRegistry::builtin();
  return registry.make(*registry.create(type), ObserverFacts{.site = "s", .is_signed = true, .symmetric = symmetric});
}

// The range of the values times 2^exponent, seen in three batches that grow.
Range range_of(const std::string& type, bool symmetric, const std::vector<double>& values, int exponent) {
  const auto it = observer(type, symmetric);
  const std::size_t parts[] = {0, values.size() / 4, values.size() / 3, values.size()};
  for (int part = 0; part < 3; ++part) {
    std::vector<Scalar> batch;
    for (std::size_t i = parts[part]; i < parts[part + 1]; ++i) {
      batch.push_back(static_cast<Scalar>(static_cast<float>(std::ldexp(values[i], exponent))));
    }
    it->observe(0, batch);
  }
  return it->range(0);
}

std::unique_ptr<Quantizer> quantizer(const std::string& config, nn::SiteKind kind, const core::Shape& shape) {
  const QuantizerRegistry& registry = QuantizerRegistry::builtin();
  return registry.make(*configured(registry, config), SiteFacts{.name = "s", .kind = kind, .shape = shape});
}

}  // namespace

TEST_CASE("every observer chooses from values at the ends of float32 what it chooses from their multiples near 1") {
  const std::vector<double> values = values_of(3000);
  for (const std::string& type : ObserverRegistry::builtin().names()) {
    for (const bool symmetric : {false, true}) {
      const Range plain = range_of(type, symmetric, values, 0);
      CHECK(plain.low < 0);
      CHECK(plain.high > 0);
      for (const int exponent : {-110, -60, 40, 80, 126, 127}) {
        CAPTURE(type);
        CAPTURE(symmetric);
        CAPTURE(exponent);
        const Range moved = range_of(type, symmetric, values, exponent);
        CHECK(std::ldexp(static_cast<double>(moved.low), -exponent) == doctest::Approx(static_cast<double>(plain.low)));
        CHECK(std::ldexp(static_cast<double>(moved.high), -exponent) ==
              doctest::Approx(static_cast<double>(plain.high)));
      }
    }
  }
}

TEST_CASE("every observer takes the largest floats of both signs, and subnormal ones, to ends that are finite") {
  constexpr float kLeast = std::numeric_limits<float>::denorm_min();
  for (const std::string& type : ObserverRegistry::builtin().names()) {
    for (const float size : {3e38F, kMost, 1e-40F, kLeast}) {
      CAPTURE(type);
      CAPTURE(size);
      const auto it = observer(type, false);
      it->observe(0, std::vector<Scalar>{static_cast<Scalar>(-size), static_cast<Scalar>(size)});
      it->observe(0, std::vector<Scalar>{static_cast<Scalar>(size), static_cast<Scalar>(-size)});
      const Range range = it->range(0);
      CHECK(range.low <= 0);
      CHECK(range.high >= 0);
      CHECK(range.low >= -size);
      CHECK(range.high <= size);
      // Four values at the ends: no observer has a reason to give up half of the range.
      CHECK(static_cast<double>(range.high) - static_cast<double>(range.low) >= static_cast<double>(size));
    }
  }
}

TEST_CASE("the grid of ±3e38 has the scale of its equation, and all that its range becomes is finite and near") {
  for (const int bits : {2, 3, 8, 16}) {
    for (const bool symmetric : {false, true}) {
      for (const Range ends : {Range{-3e38F, 3e38F}, Range{-3e38F, 1e30F}, Range{0, 3e38F}, Range{-kMost, kMost}}) {
        QParams p;
        set_range(p, bits, true, symmetric);
        set_scale(p, 0, ends, {.symmetric = symmetric});
        CAPTURE(bits);
        CAPTURE(symmetric);
        CAPTURE(ends.low);
        const long double low = std::min(0.0F, ends.low), high = std::max(0.0F, ends.high);
        const long double scale = symmetric ? std::max(-low, high) / p.qmax : (high - low) / (p.qmax - p.qmin);
        // Where rounding outwards would leave float32, the scale is smaller, by half a step of the largest integer at most.
        const double room = bits >= 8 && ends.high != kMost ? 1e-6 : 0.26;
        CHECK(static_cast<double>(p.scale[0]) <= static_cast<double>(scale) * (1 + 1e-6));
        CHECK(static_cast<double>(p.scale[0]) >= static_cast<double>(scale) * (1 - room));
        for (const float x : {ends.low, ends.low / 2, 0.0F, ends.high / 3, ends.high}) {
          const float back = p.dequantize(p.quantize(x));
          REQUIRE(std::isfinite(back));
          CHECK(std::abs(static_cast<long double>(back) - x) <= 1.01L * scale);
        }
      }
    }
  }
}

TEST_CASE(
    "the grid of power-of-two steps of ±3e38 has the power next to the scale, and all that becomes of it is finite") {
  for (const int bits : {3, 8, 16}) {
    for (const bool symmetric : {false, true}) {
      QParams p;
      set_range(p, bits, true, symmetric);
      set_scale(p, 0, {-3e38F, 3e38F}, {.symmetric = symmetric, .power_of_two = true});
      const double scale = symmetric ? 3e38 / p.qmax : 2 * (3e38 / (p.qmax - p.qmin));
      CAPTURE(bits);
      int exponent = 0;
      CHECK(std::frexp(p.scale[0], &exponent) == 0.5F);
      // With 3 bits the nearest integer of such steps is -4, and -4 · 2^126 is no float32: the next smaller power it is.
      CHECK(std::abs(std::log2(static_cast<double>(p.scale[0]) / scale)) <= (bits == 3 ? 1.1 : 0.5));
      for (const float x : {-3e38F, -1e38F, 0.0F, 2e38F, 3e38F}) CHECK(std::isfinite(p.dequantize(p.quantize(x))));
    }
  }
}

TEST_CASE(
    "every quantizer makes finite numbers of the largest and the smallest floats, near to them where they are even") {
  const core::Shape shape{2, 4};
  const auto value = [&](float a, float b) {
    core::Tensor x(shape);
    for (std::size_t i = 0; i < 8; ++i) x.mutable_values()[i] = static_cast<Scalar>(i % 2 == 0 ? a : b);
    return x;
  };
  core::Tensor outlier = value(0.5F, -0.25F);
  outlier.mutable_values()[5] = Scalar(1e30);
  for (const std::string config :
       {R"({"type": "uniform"})", R"({"type": "uniform", "bits": 2})",
        R"({"type": "uniform", "power_of_two_scale": true})",
        R"({"type": "uniform", "symmetric": false, "narrow": false})", R"({"type": "lsq", "bits": 2})",
        R"({"type": "lsq_plus", "bits": 8})", R"("ternary")", R"("power_of_two_values")",
        R"({"type": "power_of_two_values", "bits": 5})"}) {
    for (const core::Tensor& x : {value(3e38F, -3e38F), value(3e38F, 3e38F), value(-kMost, kMost), value(kMost, 1),
                                  value(1e-44F, -1e-44F), value(1e-40F, 0), outlier}) {
      CAPTURE(config);
      CAPTURE(x.values()[0]);
      const auto q = quantizer(config, nn::SiteKind::kWeight, shape);
      q->observe(x);
      REQUIRE(q->ready());
      nn::ForwardContext context{.training = true};
      const core::Variable y = q->forward(core::Variable(x, true), context);
      for (const Scalar v : y.value().values()) CHECK(std::isfinite(v));
    }
  }
}

TEST_CASE("a channel with an outlier of 1e30 or 3e38 does not move the scale of another, for every observer") {
  for (const std::string& type : ObserverRegistry::builtin().names()) {
    for (const float outlier : {1e30F, 3e38F, -3e38F}) {
      CAPTURE(type);
      CAPTURE(outlier);
      const std::string config =
          R"({"type": "uniform", "granularity": "per_channel", "observer": {"type": ")" + type + "\"}}";
      core::Tensor x({2, 64});
      for (std::size_t i = 0; i < 128; ++i)
        x.mutable_values()[i] = static_cast<Scalar>(static_cast<double>(i % 64) / 64 - 0.5);
      const auto before = quantizer(config, nn::SiteKind::kWeight, {2, 64});
      before->observe(x);
      x.mutable_values()[70] = static_cast<Scalar>(outlier);
      const auto after = quantizer(config, nn::SiteKind::kWeight, {2, 64});
      after->observe(x);
      CHECK(after->params()->scale[0] == before->params()->scale[0]);
      CHECK(std::isnormal(after->params()->scale[1]));
      nn::ForwardContext context;
      for (const Scalar v : after->forward(core::Variable(x), context).value().values()) CHECK(std::isfinite(v));
    }
  }
}
