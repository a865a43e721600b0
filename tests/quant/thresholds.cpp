// Requantization by comparison. Oracles: exact integer arithmetic for the threshold of an accumulator; batch norm and sign in
// real numbers; the reference, which compares one threshold after the other, for the engine.
#include "tempera/quant/thresholds.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/tensor.hpp"
#include "tempera/quant/engine.hpp"
#include "tempera/quant/program_file.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

TEST_CASE("the first accumulator that reaches a threshold is the ceiling of the exact quotient") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    // scale = m·2^−40 and threshold = k·2^−30 or a multiple of the scale, on which the quotient in doubles may fall either way.
    const auto m = static_cast<std::int64_t>(random() % (1 << 30)) + 1;
    const auto k = static_cast<std::int64_t>(random() % (std::uint64_t{1} << 40)) - (std::int64_t{1} << 39);
    const double scale = std::ldexp(static_cast<double>(m), -40), threshold = std::ldexp(static_cast<double>(k), -30);
    const std::int64_t exact = ceil_divide(k * 1024, m);
    constexpr std::int64_t kBeyond = std::int64_t{1} << 32;
    REQUIRE(first_reaching(scale, threshold) == std::clamp(exact, -kBeyond, kBeyond));
    if (std::abs(exact) >= kMost) continue;
    REQUIRE(reaches(static_cast<std::int32_t>(exact), scale, threshold));
    REQUIRE_FALSE(reaches(static_cast<std::int32_t>(exact - 1), scale, threshold));
    const std::int64_t multiple = static_cast<std::int64_t>(random() % 8192) - 4096;
    REQUIRE(first_reaching(scale, static_cast<double>(multiple) * scale) == multiple);
  }
}

TEST_CASE("where a rounded quotient would lie on the wrong side of an integer the threshold does not") {
  int rounded_over = 0;
  std::mt19937_64 random(4);
  for (int i = 0; i < 200000; ++i) {
    const auto a = static_cast<float>(random() % 100000 + 1) / 977,
               b = static_cast<float>(random() % 100000 + 1) / 1013;
    const double scale = static_cast<double>(a) * static_cast<double>(b);  // exact: 24 + 24 bits
    const std::int64_t q = static_cast<std::int64_t>(random() % 1000000) + 1;
    const double threshold = std::nextafter(static_cast<double>(q) * scale, 1e300);
    const std::int64_t first = first_reaching(scale, threshold);
    // Exact again by fma: q·scale − threshold and its neighbour's.
    CHECK(std::fma(static_cast<double>(first), scale, -threshold) >= 0);
    CHECK(std::fma(static_cast<double>(first - 1), scale, -threshold) < 0);
    if (static_cast<std::int64_t>(std::ceil(threshold / scale)) != first) ++rounded_over;
  }
  CHECK(rounded_over > 0);  // the case is not an imagined one
}

TEST_CASE("a threshold beyond all accumulators, or below them, is told as that") {
  CHECK(first_reaching(1e-30, 1) == std::int64_t{1} << 32);
  CHECK(first_reaching(1e-30, -1) == -(std::int64_t{1} << 32));
  CHECK(first_reaching(1, 0) == 0);
  CHECK(first_reaching(0.5, -0.25) == 0);
  CHECK(first_reaching(0.5, 0.25) == 1);
  CHECK(first_reaching(1e-70, std::numeric_limits<float>::max()) == std::int64_t{1} << 32);
}

// A linear layer of ±1 weights over inputs ±1, whose results are signs: 1 where +1.
Program binary_layer(const std::vector<std::int8_t>& weights, std::int64_t inputs, const Thresholds& thresholds) {
  const auto out = static_cast<std::int64_t>(weights.size()) / inputs;
  Program p{.buffers = {{.site = "input", .shape = {inputs}, .cell = Cell::kS8, .bits = 2, .low = -1, .high = 1},
                        {.site = "sign", .shape = {out}, .cell = Cell::kU8, .bits = 2, .low = 0, .high = 1}},
            .instructions = {},
            .input = {inputs},
            .metadata = {}};
  p.instructions = {
      {program::Quantize{{.bits = 2, .qmin = -1, .qmax = 1, .scale = {1}}}, "input", {}, 0},
      {program::Linear{.weight = {.shape = {out, inputs}, .bits = 2, .values = weights, .zero_points = {}},
                       .bias = std::vector<std::int32_t>(static_cast<std::size_t>(out)),
                       .requant = Requant{.multipliers = {}, .low = 0, .high = 1, .thresholds = thresholds}},
       "binary",
       {0},
       1}};
  return p;
}

TEST_CASE("batch norm and sign are one threshold and a direction for each channel, over all accumulators there are") {
  // γ of either sign and 0; β and μ such that some thresholds lie on an accumulator, between two, and beyond all.
  struct Norm {
    double gamma, beta, mean, variance;
  };
  const std::vector<Norm> norms{{2, 0, 0, 1},  {-2, 0, 0, 1},   {1, 0.5, 2, 4},   {-1, 0.5, 2, 4}, {0.5, -9, 1, 1},
                                {-3, 9, 0, 1}, {0, 0.25, 3, 1}, {0, -0.25, 3, 1}, {-1, 4, 0, 1},   {1, 6, 0, 1}};
  constexpr std::int64_t kInputs = 9;
  Thresholds thresholds{.values = {}, .directions = {}};
  std::vector<std::int8_t> weights;
  for (const Norm& n : norms) {
    const double f = n.gamma / std::sqrt(n.variance), shift = n.beta - f * n.mean;
    // f·a + shift ≥ 0: a ≥ −shift/f, or a ≤ −shift/f for f < 0; 0: all or none, as the sign of β says.
    const std::int32_t at = f > 0         ? static_cast<std::int32_t>(std::ceil(-shift / f))
                            : f < 0       ? static_cast<std::int32_t>(std::floor(-shift / f))
                            : n.beta >= 0 ? -kMost - 1
                                          : kMost;
    thresholds.values.push_back(at);
    thresholds.directions.push_back(f < 0 ? -1 : 1);
    for (std::int64_t i = 0; i < kInputs; ++i) weights.push_back(i % 3 == 0 ? -1 : 1);
  }
  const Program p = binary_layer(weights, kInputs, thresholds);
  core::Tensor x({1 << kInputs, kInputs});
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    x.mutable_data()[i] = (i / kInputs >> i % kInputs & 1) != 0 ? Scalar{1} : Scalar{-1};
  }
  Engine engine(p);
  const std::span<const std::int32_t> fast = engine.run(x);
  const std::vector<std::int32_t> slow = run_reference(p, x).values;
  CHECK(std::ranges::equal(fast, slow));
  std::size_t at = 0;
  for (std::int64_t image = 0; image < 1 << kInputs; ++image) {
    double a = 0;
    for (std::int64_t i = 0; i < kInputs; ++i)
      a += static_cast<double>(x.data()[image * kInputs + i]) * (i % 3 == 0 ? -1 : 1);
    for (const Norm& n : norms) {
      const bool positive = n.gamma * (a - n.mean) / std::sqrt(n.variance) + n.beta >= 0;
      CHECK(slow[at++] == (positive ? 1 : 0));
    }
  }
}

// One layer whose accumulators are the biases, and where they meet thresholds.
TEST_CASE("the engine compares as the reference does for few and many thresholds, channels, and where int32 ends") {
  std::mt19937_64 random(8);
  for (const std::int32_t steps : {1, 2, 3, 15, 63, 64, 65, 255, 4000}) {
    for (const std::int64_t channels : {1, 3, 8, 17, 64, 131}) {
      for (const int kind : {0, 1, 2, 3}) {
        CAPTURE(steps);
        CAPTURE(channels);
        CAPTURE(kind);
        const std::int64_t each = kind % 2 == 0 ? 1 : channels;
        Thresholds t;
        for (std::int64_t c = 0; c < each; ++c) {
          std::vector<std::int32_t> rising;
          for (std::int32_t i = 0; i < steps; ++i) rising.push_back(static_cast<std::int32_t>(random() % 2000) - 1000);
          if (random() % 2 == 0) rising[0] = -kMost - 1;
          if (random() % 2 == 0) rising[static_cast<std::size_t>(steps) - 1] = kMost;
          std::ranges::sort(rising);
          t.values.insert(t.values.end(), rising.begin(), rising.end());
        }
        if (kind >= 2) {
          t.directions.clear();
          for (std::int64_t c = 0; c < channels; ++c) t.directions.push_back(random() % 2 == 0 ? 1 : -1);
        }
        program::Linear layer{.weight = {.shape = {channels, 1}, .bits = 8, .values = {}, .zero_points = {}},
                              .bias = {},
                              .requant = Requant{.multipliers = {}, .low = 0, .high = steps, .thresholds = t}};
        for (std::int64_t c = 0; c < channels; ++c) {
          layer.weight.values.push_back(static_cast<std::int8_t>(static_cast<int>(random() % 15) - 7));
          layer.bias.push_back(random() % 8 == 0   ? kMost - 7 * 128
                               : random() % 8 == 0 ? 7 * 128 - kMost
                                                   : static_cast<std::int32_t>(random() % 1000) - 500);
        }
        const bool wide = steps > 255;
        Program p{.buffers = {{.site = "input", .shape = {1}, .cell = Cell::kS8},
                              {.site = "y",
                               .shape = {channels},
                               .cell = wide ? Cell::kU16 : Cell::kU8,
                               .bits = wide ? 16 : 8,
                               .low = 0,
                               .high = wide ? 65535 : 255}},
                  .instructions = {{program::Quantize{{.qmin = -128, .qmax = 127, .scale = {1}}}, "input", {}, 0},
                                   {layer, "steps", {0}, 1}},
                  .input = {1},
                  .metadata = {}};
        core::Tensor x({60, 1});
        for (Scalar& v : x.mutable_values()) v = static_cast<Scalar>(static_cast<int>(random() % 256) - 128);
        Engine engine(p);
        REQUIRE(std::ranges::equal(engine.run(x), run_reference(p, x).values));
      }
    }
  }
}

TEST_CASE("a program with thresholds is a file of format 2, read as 2 alone, and one without stays format 1") {
  const TemporaryFolder folder;
  const Program p = binary_layer({1, -1, 1, 1, 1, -1}, 3, {.values = {0, 2}, .directions = {1, -1}});
  const auto file = folder / "p.safetensors";
  save_program(file, p);
  std::string bytes = bytes_of(file);
  const std::string key = R"("tempera.program":")";
  const std::size_t at = bytes.find(key);
  REQUIRE(at != std::string::npos);
  CHECK(bytes[at + key.size()] == '2');
  const Program read = load_program(file);
  CHECK(std::get<program::Linear>(read.instructions[1].operation).requant->thresholds ==
        std::get<program::Linear>(p.instructions[1].operation).requant->thresholds);
  bytes[at + key.size()] = '1';
  std::ofstream(file, std::ios::binary) << bytes;
  try {
    static_cast<void>(load_program(file));
    FAIL("was taken");
  } catch (const core::CheckpointError& error) {
    CHECK(std::string(error.what()).find("thresholds belong to format 2, its format is 1") != std::string::npos);
  }
  Program plain = p;
  std::get<program::Linear>(plain.instructions[1].operation).requant =
      Requant{.multipliers = {multiplier_of(0.5)}, .low = 0, .high = 1};
  save_program(file, plain);
  CHECK(bytes_of(file).find(key + "1\"") != std::string::npos);
}

}  // namespace
