// Oracles: transforms whose effect on a hand-sized network is worked out by hand.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tempera/core/config/reader.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/ops/elementwise.hpp"
#include "tempera/core/ops/reduce.hpp"
#include "tempera/nn/graph.hpp"
#include "tempera/nn/model.hpp"

namespace {

using namespace tempera;
using core::Tensor;
using core::Variable;
using nn::Model;

nn::ModelConfig layers_config(const std::string& layers) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": [)" + layers + "]}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return config;
}

// y = factor·x, with the factor learned; counts how often it is asked.
class Scaling final : public nn::ValueTransform {
 public:
  explicit Scaling(double factor, std::string name = "scaling")
      : factor_(Tensor::full({1}, static_cast<Scalar>(factor)), true), name_(std::move(name)) {}
  Variable operator()(const Variable& value, nn::ForwardContext& /*context*/) override {
    ++calls;
    return core::mul(value, factor_);
  }
  [[nodiscard]] std::vector<nn::Parameter> parameters() const override {
    return {{.name = name_ + ".factor", .shape = {1}, .role = nn::Role::kGain, .variable = factor_}};
  }
  int calls = 0;

 private:
  Variable factor_;
  std::string name_;
};

nn::Site& site_named(Model& model, const std::string& name) {
  for (nn::Site* site : model.sites()) {
    if (site->name == name) return *site;
  }
  throw core::Error("no site " + name);
}

const char* const kTwoLayers = R"({"type": "linear", "name": "fc1", "out": 2, "bias": false,
    "init": {"type": "constant", "value": 1}}, {"type": "relu", "name": "act1"})";

double first_output(Model& model, nn::ForwardContext context = {}) {
  const Tensor x({1, 2}, {Scalar{1}, Scalar{2}});
  return static_cast<double>(model.forward(Variable(x), context).value().values()[0]);
}

TEST_CASE("a model lists its sites in the order in which values pass them") {
  Model model(layers_config(kTwoLayers), {2}, 1);
  std::vector<std::string> names;
  for (const nn::Site* site : model.sites()) names.push_back(site->name);
  const std::vector<std::string> expected{"input",      "fc1.input",  "fc1.weight",
                                          "fc1.output", "act1.input", "act1.output"};
  CHECK(names == expected);
}

TEST_CASE("a transform acts once at its own site, fused with the next layer or not") {
  for (const char* name : {"input", "fc1.input", "fc1.weight", "fc1.output", "act1.input", "act1.output"}) {
    CAPTURE(std::string(name));
    for (const bool fuse : {true, false}) {
      Model model(layers_config(kTwoLayers), {2}, 1);
      const auto tenfold = std::make_shared<Scaling>(10);
      site_named(model, name).transform = tenfold;
      CHECK(first_output(model, {.fuse = fuse}) == doctest::Approx(30));  // (1 + 2)·10: every site scales the result
      CHECK(tenfold->calls == 1);
    }
  }
}

TEST_CASE("a transform acts once at the sites about a pooling, which is fused where there is none") {
  constexpr const char* kPooled = R"({"type": "conv2d", "name": "conv", "out": 1, "kernel": 1, "bias": false,
    "init": {"type": "constant", "value": 1}}, {"type": "relu", "name": "act"}, {"type": "max_pool2d", "name": "pool"})";
  const Variable x(Tensor({1, 1, 2, 2}, {Scalar{1}, Scalar{5}, Scalar{-9}, Scalar{2}}));
  for (const char* name : {"conv.output", "act.output", "pool.input", "pool.output"}) {
    CAPTURE(std::string(name));
    Model model(layers_config(kPooled), {1, 2, 2}, 1);
    nn::ForwardContext context;
    CHECK(static_cast<double>(model.forward(x, context).value().item()) == 5);
    const auto tenfold = std::make_shared<Scaling>(10);
    site_named(model, name).transform = tenfold;
    CHECK(static_cast<double>(model.forward(x, context).value().item()) == 50);
    CHECK(tenfold->calls == 1);
  }
}

// Passes values on and counts how it is asked for a pooling.
class CountsPools final : public nn::ValueTransform {
 public:
  Variable operator()(const Variable& value, nn::ForwardContext& /*context*/) override {
    ++apart;
    return value;
  }
  Variable pooled_pairs(const Variable& value, nn::ForwardContext& /*context*/) override {
    ++together;
    return core::max_pool2d(value);
  }
  int apart = 0, together = 0;
};

TEST_CASE("a transform is asked to pool where a pooling by pairs is all that follows, and only there") {
  const auto asked = [](const char* pool, const char* site, nn::ForwardContext context) {
    const std::string layers =
        std::string(R"({"type": "conv2d", "name": "conv", "out": 1, "kernel": 1}, {"type": "relu",
      "name": "act"}, {"type": "max_pool2d", "name": "pool", )") +
        pool + "}";
    Model model(layers_config(layers), {1, 4, 4}, 1);
    const auto counts = std::make_shared<CountsPools>();
    site_named(model, site).transform = counts;
    static_cast<void>(model.forward(Variable(Tensor::full({1, 1, 4, 4}, 1)), context));
    return std::pair{counts->apart, counts->together};
  };
  using Counts = std::pair<int, int>;
  CHECK(asked(R"("size": 2)", "act.output", {}) == Counts{0, 1});
  CHECK(asked(R"("size": 2)", "act.output", {.training = true}) == Counts{0, 1});
  CHECK(asked(R"("size": 2)", "act.output", {.fuse = false}) == Counts{1, 0});
  CHECK(asked(R"("size": 2)", "act.output", {.transform = false}) == Counts{0, 0});
  CHECK(asked(R"("size": 2)", "conv.output", {}) == Counts{1, 0});
  CHECK(asked(R"("size": 2)", "pool.input", {}) == Counts{1, 0});
  CHECK(asked(R"("size": 2)", "pool.output", {}) == Counts{1, 0});
  CHECK(asked(R"("size": 3, "stride": 1)", "act.output", {}) == Counts{1, 0});
  CHECK(asked(R"("size": 2, "padding": 1)", "act.output", {}) == Counts{1, 0});
}

TEST_CASE("a transform behind a relu sees what the relu lets through") {
  // −10·max(3, 0) is negative; max(−10·3, 0) would be 0.
  Model model(layers_config(kTwoLayers), {2}, 1);
  site_named(model, "act1.output").transform = std::make_shared<Scaling>(-10);
  CHECK(first_output(model) == doctest::Approx(-30));
  site_named(model, "act1.output").transform = nullptr;
  site_named(model, "act1.input").transform = std::make_shared<Scaling>(-10);
  CHECK(first_output(model) == doctest::Approx(0));
}

TEST_CASE("without transforms a model runs as if it had none") {
  Model model(layers_config(kTwoLayers), {2}, 1);
  for (nn::Site* site : model.sites()) site->transform = std::make_shared<Scaling>(-7);
  CHECK(first_output(model, {.transform = false}) == doctest::Approx(3));
}

TEST_CASE("what a transform learns is trained and saved with the model") {
  Model model(layers_config(kTwoLayers), {2}, 1);
  site_named(model, "fc1.weight").transform = std::make_shared<Scaling>(2, "fc1.weight");
  const std::vector<nn::Parameter> all = model.parameters();
  REQUIRE(all.size() == 2);
  CHECK(all[1].name == "fc1.weight.factor");
  nn::ForwardContext context{.training = true};
  core::backward(core::sum(model.forward(Variable(Tensor({1, 2}, {Scalar{1}, Scalar{2}})), context)));
  CHECK(static_cast<double>(all[1].variable.grad().item()) == doctest::Approx(6));  // two outputs of 1 + 2
}

TEST_CASE("a graph shows a site only where something is put into it") {
  Model model(layers_config(kTwoLayers), {2}, 1);
  CHECK(nn::lower(model).nodes.size() == 3);  // input, linear, clamp
  site_named(model, "act1.output").transform = std::make_shared<Scaling>(2);
  const nn::Graph graph = nn::lower(model);
  REQUIRE(graph.nodes.size() == 4);
  const auto* pass = std::get_if<nn::graph::Pass>(&graph.nodes.back().operation);
  REQUIRE(pass != nullptr);
  CHECK(pass->site->name == "act1.output");
  CHECK(graph.nodes.back().label == "relu \"act1\"");
}

TEST_CASE("a layer without an integer form refuses by its name") {
  Model model(layers_config(R"({"type": "layer_norm", "name": "norm"})"), {2}, 1);
  try {
    static_cast<void>(nn::lower(model));
    FAIL("lowered");
  } catch (const core::UnsupportedError& error) {
    CHECK(std::string(error.what()).find("layer_norm \"norm\"") != std::string::npos);
  }
}

}  // namespace
