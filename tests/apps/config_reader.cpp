#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "apps/config_sample.hpp"
#include "tempera/core/config/reader.hpp"

namespace {

using namespace sample;

std::string issues_of(std::string_view json) {
  Experiment config;
  try {
    read_json(json, "c.json", [&](FieldVisitor& v) { config.fields(v); });
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

Experiment read(std::string_view json) {
  Experiment config;
  read_json(json, "c.json", [&](FieldVisitor& v) { config.fields(v); });
  return config;
}

TEST_CASE("every kind of field is read, and what is absent keeps its default") {
  const Experiment c = read(R"({
    // comments of both kinds
    "name": "a", /* and here */ "analyses": ["temperature"], "limit": 7.0, "fallback": null,
    "train": {"epochs": 3.0, "target": 0.25, "precision": "bfloat16", "shuffle": false},
    "soft": {"temperature": 20}, "rules": [{"bits": 4}, {"sites": "a.*"}],
    "optimizer": {"momentum": 0.9},
    "model": [{"type": "conv2d", "out": 20, "kernel": 5, "name": "conv1"}, {"type": "block", "layers": ["block"]}],
    "vary": {"seed": [1, 2.5], "a": []}})");
  CHECK(c.limit == 7);
  CHECK(c.train.epochs == 3);
  CHECK(c.train.target == 0.25);
  CHECK(c.train.precision == Precision::kBfloat16);
  CHECK(c.train.clip == 1);
  CHECK(c.soft->temperature == 20);
  CHECK(c.soft->weight == 0.5);
  CHECK(c.rules[1].bits == 8);
  CHECK(c.rules[1].sites == "a.*");
  CHECK(c.temperatures == std::vector<double>{1, 2});
  const auto& sgd = static_cast<const Optimizers::Of<Sgd>&>(*c.optimizer).config;
  CHECK(sgd.momentum == 0.9);
  CHECK(sgd.learning_rate == 0.1);
  const auto& conv = static_cast<const Layers::Of<Conv>&>(*c.model[0]);
  CHECK(conv.common.name == "conv1");
  CHECK(conv.config.kernel == std::vector<std::int64_t>{5});
  CHECK(static_cast<const Layers::Of<Block>&>(*c.model[1]).config.layers.at(0)->type() == "block");
  CHECK(c.vary == R"({"seed": [1, 2.5], "a": []})");  // in the order of the file
}

TEST_CASE("all that is wrong is told at once, each with its line, pointer, rule and what came") {
  const std::string text = issues_of(R"({
    "sed": 3,
    "seed": -1,
    "limit": "many",
    "analyses": [1],
    "temperatures": [1, 0],
    "train": {"epochs": 2.5, "precision": "float23",
              "clip": true, "batch/size": 1},
    "rules": [{"bits": 17}, 4],
    "model": [{"type": "conv2", "out": 3},
              {"type": "conv2d", "kernel": [1, 2, 3]},
              {"out": 3}],
    "optimizer": {"type": "adam", "momentum": 1, "betas": [0.5]}
  })");
  CHECK(text == R"(c.json:1: /name: required but missing: of the run
c.json:3: /seed: must be ≥ 0, got -1
c.json:5: /analyses/0: must be text, got number 1
c.json:6: /temperatures/1: must be > 0, got 0
c.json:4: /limit: must be an integer (images), got text "many"
c.json:7: /train/epochs: must be an integer (epochs), got number 2.5
c.json:8: /train/clip: must be a number, got true
c.json:7: /train/precision: must be one of float32, bfloat16, got text "float23"; did you mean "float32"?
c.json:8: /train/batch~1size: unknown key "batch/size"; known are epochs, clip, target, precision, shuffle
c.json:9: /rules/0/bits: must be ≥ 1 and ≤ 16 (bits), got 17
c.json:9: /rules/1: must be an object { … }, got number 4
c.json:13: /optimizer/betas: must have at least 2 elements, has 1
c.json:13: /optimizer/momentum: unknown key "momentum"; known are type, learning_rate, betas
c.json:10: /model/0/type: unknown layer "conv2"; did you mean "conv2d"? known are block, conv2d
c.json:11: /model/1/out: required but missing: output channels
c.json:11: /model/1/kernel: must have at most 2 elements, has 3
c.json:12: /model/2: needs "type", one of block, conv2d
c.json:2: /sed: unknown key "sed"; did you mean "seed"?)");
}

TEST_CASE("a field that could not be read keeps its default") {
  Experiment config;
  CHECK_THROWS_AS(read_json(R"({"name": "x", "seed": -5, "temperatures": [4, "x"]})", "",
                            [&](FieldVisitor& v) { config.fields(v); }),
                  ConfigError);
  CHECK(config.seed == 1);
  CHECK(config.temperatures == std::vector<double>{1, 2});
}

TEST_CASE("a rule between fields is judged where all fields were read, at the line of the field it names") {
  CHECK(issues_of("{\"name\": \"x\", \"train\": {\"clip\": 2,\n\"target\": 3}}") ==
        "c.json:2: /train/target: target must be smaller than clip");
  CHECK(issues_of(R"({"name": "x", "train": {"clip": -2, "target": 3}})") ==
        "c.json:1: /train/clip: must be > 0, got -2");
}

TEST_CASE("rules that are broken at once are told at once") {
  struct Two {
    std::int64_t a = 1, b = 1;
    void fields(FieldVisitor& v) {
      v.field("a", a, {.help = "one"});
      v.rule(a > 0, "a", "a must be positive");
      v.field("b", b, {.help = "another"});
      v.rule(b > 0, "b", "b must be positive");
    }
  };
  const auto said = [](const char* json) {
    Two two;
    try {
      read_json(json, "t", [&two](FieldVisitor& v) { two.fields(v); });
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(said(R"({"a": 0, "b": -1})") == "t:1: /a: a must be positive\nt:1: /b: b must be positive");
  CHECK(said(R"({"a": 0, "b": 0.5})").starts_with("t:1: /a: a must be positive\nt:1: /b: must be an integer"));
}

TEST_CASE("integers beyond 64 bits are refused and those at the border are kept") {
  CHECK(read(R"({"name": "x", "seed": 9223372036854775807})").seed == 9223372036854775807);
  CHECK(issues_of(R"({"name": "x", "seed": 9223372036854775808})") ==
        "c.json:1: /seed: must be an integer of 64 bits with sign, got number 9.223372036854776e+18");
  CHECK(issues_of(R"({"name": "x", "seed": 1000000000000000000000})").find("/seed: must be an integer") !=
        std::string::npos);
}

TEST_CASE("null unsets what is optional and nothing else") {
  const Experiment c = read(R"({"name": "x", "soft": null, "optimizer": null, "limit": null})");
  CHECK_FALSE(c.soft);
  CHECK_FALSE(c.optimizer);
  CHECK(issues_of(R"({"name": "x", "seed": null, "train": null})") ==
        "c.json:1: /seed: must be an integer, got null\n"
        "c.json:1: /train: must be an object { … }, got null");
}

}  // namespace
