// Oracles: counts and shapes worked out by hand.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/model.hpp"

namespace {

using namespace tempera;
using nn::Model;

nn::ModelConfig config_of(const std::string& layers) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": )" + layers + "}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

Model planned(const std::string& layers, const core::Shape& input) { return Model::planned(config_of(layers), input); }

// What planning complains of, of type E.
template <class E>
std::string complaint(const std::string& layers, const core::Shape& input) {
  try {
    static_cast<void>(Model(config_of(layers), input, 1));
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("784-128-10 has 101770 parameters and 101632 multiply-adds") {
  const Model model = planned(
      R"([{"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"}, {"type": "linear", "out": 10}])",
      {1, 28, 28});
  CHECK(model.facts().parameters == 101770);
  CHECK(model.facts().multiply_adds == 101632);
  CHECK(model.output() == core::Shape{10});
}

TEST_CASE("layers without a name are numbered by type, and a name given to one does not renumber the others") {
  const Model model =
      planned(R"([{"type": "linear", "out": 4}, {"type": "relu"}, {"type": "linear", "name": "middle", "out": 3},
                                  {"type": "relu"}, {"type": "linear", "out": 2}])",
              {5});
  std::vector<std::string> paths;
  for (const nn::LayerInfo* info : model.infos()) paths.push_back(info->path);
  CHECK(paths == std::vector<std::string>{"linear1", "relu1", "middle", "relu2", "linear3"});
  CHECK(model.parameters()[2].name == "middle.weight");
}

TEST_CASE("layers inside containers have their container in their path") {
  const Model model =
      planned(R"([{"type": "residual", "name": "block", "layers": [{"type": "linear", "out": 5}, {"type": "relu"},
      {"type": "sequential", "layers": [{"type": "linear", "name": "last", "out": 5}]}]}])",
              {5});
  std::vector<std::string> paths;
  for (const nn::LayerInfo* info : model.infos()) paths.push_back(info->path);
  CHECK(paths == std::vector<std::string>{"block", "block/linear1", "block/relu1", "block/sequential1",
                                          "block/sequential1/last"});
  CHECK(model.facts().multiply_adds == 50);
}

TEST_CASE("a residual block adds its input to what its layers give") {
  Model model(config_of(R"([{"type": "residual", "layers": [{"type": "linear", "out": 2, "init": {"type": "constant",
      "value": 1}, "bias_init": {"type": "constant", "value": 10}}, {"type": "relu"}]}])"),
              {2}, 1);
  nn::ForwardContext context;
  const core::Variable y = model.forward(core::Variable(core::Tensor({1, 2}, {3, -5})), context);
  CHECK(y.value().values()[0] == doctest::Approx(3 + (3 - 5 + 10)));
  CHECK(y.value().values()[1] == doctest::Approx(-5 + (3 - 5 + 10)));
}

TEST_CASE("a model without layers is refused") {
  CHECK_THROWS_AS(Model(nn::ModelConfig{}, core::Shape{3}, 1), core::ConfigError);
  CHECK_THROWS_WITH_AS(config_of("[]"), doctest::Contains("at least one layer"), core::ConfigError);
  CHECK(complaint<core::ConfigError>(R"([{"type": "sequential", "layers": []}])", {3}).find("sequential1") !=
        std::string::npos);
}

TEST_CASE("two layers of one name are refused, and so are names that look like paths") {
  CHECK(complaint<core::ConfigError>(R"([{"type": "relu", "name": "a"}, {"type": "relu", "name": "a"}])", {3})
            .find("\"a\"") != std::string::npos);
  CHECK(complaint<core::ConfigError>(R"([{"type": "relu", "name": "a/b"}])", {3}).find("a/b") != std::string::npos);
  CHECK(complaint<core::ConfigError>(R"([{"type": "relu", "name": "a.b"}])", {3}).find("a.b") != std::string::npos);
}

TEST_CASE(
    "names that stand for other things are refused: those of a checkpoint's other tensors, wildcards, control "
    "characters") {
  for (const char* name : {"average", "optimizer", "a*", "a\\nb", "\\u0000"}) {
    CAPTURE(std::string(name));
    const std::string layer = std::string(R"({"type": "relu", "name": ")") + name + "\"}";
    CHECK(complaint<core::ConfigError>("[" + layer + "]", {3}).find("layer name") != std::string::npos);
  }
  // Inside of a block its tensors begin with the block's name.
  CHECK_NOTHROW(static_cast<void>(planned(
      R"([{"type": "residual", "name": "a", "layers": [{"type": "linear", "name": "average", "out": 3}]}])", {3})));
}

TEST_CASE("what is wrong with a layer's name points to it, within containers as well") {
  const auto pointer = [](const std::string& layers) {
    try {
      static_cast<void>(planned(layers, {3}));
    } catch (const core::ConfigError& error) {
      return error.issues().front().pointer;
    }
    return std::string("no error");
  };
  const std::string a = R"({"type": "relu", "name": "a"})", b = R"({"type": "relu", "name": "b"})";
  CHECK(pointer("[" + b + ", " + a + ", " + a + "]") == "/layers/2/name");
  CHECK(pointer(R"([{"type": "relu", "name": "relu2"}, {"type": "relu"}])") == "/layers/1");
  CHECK(pointer(R"([)" + b + R"(, {"type": "relu", "name": "c/d"}])") == "/layers/1/name");
  CHECK(pointer(R"([{"type": "residual", "layers": [)" + a + ", " + a + "]}]") == "/layers/0/layers/1/name");
  CHECK(pointer(R"([{"type": "residual", "layers": [)" + a + R"(], "shortcut": [)" + b + ", " + a + "]}]") ==
        "/layers/0/shortcut/1/name");
  CHECK(pointer(R"([{"type": "concat", "branches": [{"layers": [)" + a + R"(]}, {"layers": [)" + a + "]}]}]") ==
        "/layers/0/branches/1/layers/0/name");
  CHECK(pointer(R"([)" + b + R"(, {"type": "sequential", "layers": []}])") == "/layers/1");
}

TEST_CASE("a linear layer on an image suggests the flatten that is missing") {
  const std::string text =
      complaint<nn::LayerShapeError>(R"([{"type": "linear", "name": "fc1", "out": 10}])", {1, 28, 28});
  CHECK(text ==
        "linear \"fc1\": expects a sample of shape [features], received [1, 28, 28] (did the model omit \"flatten\"?)");
}

TEST_CASE("a trillion parameters are refused with the figures before anything is allocated") {
  const std::int64_t before = core::allocator_stats().peak_live_bytes;
  const std::string text = complaint<core::UnsupportedError>(R"([{"type": "linear", "out": 1000000000}])", {1000});
  CHECK(text.find("1001000000000 parameters need 4004.0 GB") != std::string::npos);
  CHECK(core::allocator_stats().peak_live_bytes == before);
  CHECK(planned(R"([{"type": "linear", "out": 1000000000}])", {1000}).facts().parameters == 1001000000000);
}

TEST_CASE("a sample that would fill the machine with its activations is refused") {
  const std::string text = complaint<core::UnsupportedError>(
      R"([{"type": "conv2d", "out": 1, "kernel": 1, "padding": 1000000}])", {1, 28, 28});
  CHECK(text.find("activations of a single sample") != std::string::npos);
}

TEST_CASE("samples of no numbers, and of no axis left for the batch, are refused") {
  CHECK(complaint<core::ShapeError>(R"([{"type": "relu"}])", {3, 0}).find("[3, 0]") != std::string::npos);
  CHECK(complaint<nn::LayerShapeError>(R"([{"type": "reshape", "shape": [1, 2, 1, 1, 2]}])", {4}).find("batch") !=
        std::string::npos);
}

TEST_CASE("more parameters than 64 bits count are refused, in one layer and in a sum of layers") {
  const std::string wide = R"({"type": "linear", "out": 4000000000000000000})";
  CHECK(complaint<nn::LayerShapeError>("[" + wide + "]", {1000}).find("linear \"linear1\": ") == 0);
  const std::string two =
      R"([{"type": "linear", "bias": false, "out": 3000000000}, {"type": "linear", "bias": false, "out": 3000000000},
                              {"type": "linear", "bias": false, "out": 3000000000}])";
  CHECK(complaint<core::UnsupportedError>(two, {1}).find("64 bits") != std::string::npos);
}

TEST_CASE("a residual block whose sum does not fit says both shapes and how to adapt them") {
  const std::string text = complaint<nn::LayerShapeError>(
      R"([{"type": "residual", "name": "b", "layers": [{"type": "linear", "out": 4}]}])", {3});
  CHECK(text == "residual \"b\": the layers give [4] but the input is [3] (a \"shortcut\" of layers can adapt it)");
}

TEST_CASE("an error inside a container names the inner layer") {
  const std::string text = complaint<nn::LayerShapeError>(
      R"([{"type": "sequential", "name": "s", "layers": [{"type": "reshape", "name": "r", "shape": [2, 2]}]}])", {3});
  CHECK(text == "reshape \"s/r\": cannot give the 3 numbers of [3] the shape [2, 2]");
}

TEST_CASE("reshape takes what is left for -1") {
  CHECK(planned(R"([{"type": "reshape", "shape": [2, -1, 3]}])", {4, 6}).output() == core::Shape{2, 4, 3});
  CHECK(complaint<nn::LayerShapeError>(R"([{"type": "reshape", "shape": [5, -1]}])", {4, 6}).find("[5, -1]") !=
        std::string::npos);
  CHECK_THROWS_AS(config_of(R"([{"type": "reshape", "shape": [-1, -1]}])"), core::ConfigError);
}

// The JSON of the first code block of docs/guide/models.md.
std::string guide_model() {
  std::ifstream file(TEMPERA_SOURCE_DIR "/docs/guide/models.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = text.find("```json\n\"model\": ") + 17, end = text.find("\n```", begin);
  REQUIRE(end != std::string::npos);
  return text.substr(begin, end - begin);
}

TEST_CASE("the guide's model is built as it stands, and its block halves the image") {
  nn::ModelConfig config;
  core::read_json(guide_model(), "models.md", [&](core::FieldVisitor& v) { config.fields(v); });
  const Model model = Model::planned(config, {1, 28, 28});
  CHECK(model.output() == core::Shape{10});
  CHECK(model.layers()[3]->info().output == core::Shape{16, 14, 14});
  CHECK(model.layers()[3]->children()[0]->info().path == "block/conv2d1");
  // stem 72 + 16, block (1152 + 16) + 32 + (2304 + 16) + 32 + (128 + 16), logits 170
  CHECK(model.facts().parameters == 88 + 1168 + 32 + 2320 + 32 + 144 + 170);
}

struct Doubled final : nn::Layer {
  struct Config {
    void fields(core::FieldVisitor& /*v*/) {}
  };
  Doubled(const Config& /*config*/, nn::LayerBuilder& /*b*/) {}
  core::Variable forward(const core::Variable& x, nn::ForwardContext& /*context*/) override {
    core::Tensor y = x.value();
    for (Scalar& value : y.mutable_values()) value *= 2;
    return core::Variable(y);
  }
};

TEST_CASE("a program's own layer is read from a config and runs among the built-in ones") {
  nn::LayerRegistry registry;
  registry.add<Doubled>("doubled", "x·2");
  nn::ModelConfig config;
  config.registry = &registry;
  core::read_json(R"({"layers": [{"type": "sequential", "layers": [{"type": "doubled"}, {"type": "relu"}]}]})", "test",
                  [&](core::FieldVisitor& v) { config.fields(v); });
  Model model(config, {2}, 1);
  nn::ForwardContext context;
  const core::Variable y = model.forward(core::Variable(core::Tensor({1, 2}, {3, -5})), context);
  CHECK(y.value().values()[0] == Scalar(6));
  CHECK(y.value().values()[1] == Scalar(0));
  CHECK_THROWS_AS(registry.add<Doubled>("relu", "taken"), core::Error);
}

}  // namespace
