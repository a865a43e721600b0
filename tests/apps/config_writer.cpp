#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/config_sample.hpp"
#include "tempera/core/config/parse.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/core/random.hpp"

namespace {

using namespace sample;

template <class T>
std::string written(T& config) {
  return write_json([&](FieldVisitor& v) { config.fields(v); });
}
template <class T>
void read_into(T& config, const std::string& json) {
  read_json(json, "c.json", [&](FieldVisitor& v) { config.fields(v); });
}

TEST_CASE("the written config holds every field in the order of declaration, defaults included") {
  Experiment config;
  read_into(config, R"({"model": ["block", {"type": "conv2d", "out": 20}], "name": "a", "rules": [{}]})");
  CHECK(written(config) == R"({
  "name": "a",
  "seed": 1,
  "analyses": [],
  "temperatures": [1.0, 2.0],
  "fallback": null,
  "limit": null,
  "train": {"epochs": 5, "clip": 1.0, "target": null, "precision": "float32", "shuffle": true},
  "soft": null,
  "rules": [{"sites": "*", "bits": 8}],
  "optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.0},
  "model": [
    {"type": "block", "name": "", "layers": []},
    {"type": "conv2d", "name": "", "out": 20, "kernel": [3]}
  ],
  "vary": {}
})"
                           "\n");
}

TEST_CASE("reading what was written and writing it again gives the same text, whatever the values") {
  const Random random(7, "round trip");
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto bits = [&](std::uint64_t k) {
      const std::uint64_t at = 2 * (i * 16 + k);
      return std::uint64_t{random.bits(at)} << 32U | random.bits(at + 1);
    };
    Experiment a;
    a.name = "n\"\\\n\u00e4" + std::to_string(i);
    a.seed = static_cast<std::int64_t>(bits(0) >> 1U);
    a.temperatures.clear();
    for (std::uint64_t k = 0; k < bits(1) % 4; ++k) {
      const double x = std::abs(std::bit_cast<double>(bits(2 + k)));  // any exponent, any mantissa
      if (std::isfinite(x) && x > 0) a.temperatures.push_back(x);
    }
    if (bits(6) % 2 == 0) a.limit = 1 + static_cast<std::int64_t>(bits(6) >> 2U);
    if (bits(7) % 2 == 0)
      a.soft = Soft{.temperature = 1e-3 + static_cast<double>(bits(7) >> 11U) * 0x1p-53, .weight = -0.0};
    a.rules.resize(bits(8) % 3);
    if (bits(9) % 2 == 0) a.optimizer = Clonable<>(optimizers().create("adam"));
    for (std::uint64_t k = 0; k < bits(10) % 3; ++k) {
      auto block = layers().create("block");
      auto conv = layers().create("conv2d");
      static_cast<Layers::Of<Conv>&>(*conv).config.out = 1 + static_cast<std::int64_t>(k);
      static_cast<Layers::Of<Block>&>(*block).config.layers.emplace_back(std::move(conv));
      a.model.emplace_back(std::move(block));
    }
    const std::string text = written(a);
    Experiment b;
    read_into(b, text);
    CHECK(written(b) == text);
    CHECK(b.temperatures == a.temperatures);
    CHECK(nlohmann::json::parse(text).at("seed").get<std::int64_t>() == a.seed);  // another parser reads the same
  }
}

TEST_CASE("doubles keep all their bits: borders, subnormals, negative zero") {
  struct Numbers {
    std::vector<double> x;
    void fields(FieldVisitor& v) { v.field("x", x, {.help = "numbers"}); }
  };
  using Limits = std::numeric_limits<double>;
  Numbers a{{Limits::max(), Limits::lowest(), Limits::min(), Limits::denorm_min(), -0.0, 0.1, 1.0 / 3, 1e22,
             9007199254740993.0}};
  Numbers b;
  read_into(b, written(a));
  REQUIRE(b.x.size() == a.x.size());
  for (std::size_t i = 0; i < a.x.size(); ++i) {
    CHECK(std::bit_cast<std::uint64_t>(a.x[i]) == std::bit_cast<std::uint64_t>(b.x[i]));
  }
  a.x = {1, Limits::infinity()};
  CHECK_THROWS_WITH_AS(written(a), "/x/1: number inf is not finite", ConfigError);
}

TEST_CASE("the canonical text sorts keys and drops white space, and the pretty one reads back to it") {
  std::vector<ConfigIssue> issues;
  const auto value =
      parse_config(R"({"b": [1, 2.50, "x"], "a": {"z": null, "y": true}, "c": {}, "d": []})", "", issues);
  CHECK(canonical_json(*value) == R"({"a":{"y":true,"z":null},"b":[1,2.5,"x"],"c":{},"d":[]})");
  CHECK(canonical_json(*parse_config(pretty_json(*value), "", issues)) == canonical_json(*value));
}

TEST_CASE("text that is not UTF-8 cannot be written and is named") {
  Experiment a;
  a.name = "\xFF";
  CHECK_THROWS_WITH_AS(written(a), "/name: text is not valid UTF-8", ConfigError);
}

}  // namespace
