// What every registered layer promises, checked on its own examples.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "contract/support.hpp"
#include "support/temporary_folder.hpp"
#include "tempera/core/config/reader.hpp"
#include "tempera/core/config/writer.hpp"
#include "tempera/nn/safetensors.hpp"

namespace {

using namespace tempera;
using contract::Example;
using contract::for_each_example;
using contract::kSeed;
using contract::numbers;
using nn::Model;

core::FieldsFn fields_of(nn::ModelConfig& config) {
  return [&config](core::FieldVisitor& v) { config.fields(v); };
}

core::Variable run(Model& model, const core::Tensor& x, nn::ForwardContext context = {}) {
  return model.forward(core::Variable(x), context);
}

bool same_bits(const core::Tensor& a, const core::Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.values(), b.values());
}

// Every number a model holds, by name.
std::vector<std::pair<std::string, core::Variable>> state(const Model& model) {
  std::vector<std::pair<std::string, core::Variable>> all;
  for (const nn::Parameter& p : model.parameters()) all.emplace_back(p.name, p.variable);
  for (const nn::Buffer& b : model.buffers()) all.emplace_back(b.name, b.variable);
  return all;
}

TEST_CASE("every layer says what it does and has an example") {
  const nn::LayerRegistry& registry = nn::LayerRegistry::builtin();
  REQUIRE(!registry.names().empty());
  for (const std::string& type : registry.names()) {
    CAPTURE(type);
    CHECK(!registry.help(type).empty());
    CHECK(!registry.examples(type).empty());
  }
}

TEST_CASE("a layer's written configuration reads back to the same text and the same layer") {
  for_each_example([](const Example& example) {
    nn::ModelConfig original = example.config;
    const std::string text = core::write_json(fields_of(original));
    nn::ModelConfig copy;
    core::read_json(text, "example", fields_of(copy));
    CHECK(core::write_json(fields_of(copy)) == text);
    CHECK(Model(copy, example.input, kSeed).output() == Model(original, example.input, kSeed).output());
  });
}

TEST_CASE("a misspelt key of any layer is an error that names it") {
  for (const std::string& type : nn::LayerRegistry::builtin().names()) {
    CAPTURE(type);
    nn::ModelConfig config;
    const std::string text = R"({"layers": [{"type": ")" + type + R"(", "naem": "a"}]})";
    CHECK_THROWS_WITH_AS(core::read_json(text, "f", fields_of(config)), doctest::Contains("naem"), core::ConfigError);
  }
}

TEST_CASE("the planned output shape is the shape that forward gives, in training and in evaluation") {
  for_each_example([](const Example& example) {
    const core::Shape expected = Model::planned(example.config, example.input).output().with_batch(3);
    Model model(example.config, example.input, kSeed);
    CHECK(run(model, numbers(example.input, 3)).shape() == expected);
    CHECK(run(model, numbers(example.input, 3), {.training = true}).shape() == expected);
  });
}

void check_same_declarations(const nn::LayerInfo& planned, const nn::LayerInfo& built) {
  CHECK(planned.path == built.path);
  CHECK(planned.input == built.input);
  CHECK(planned.output == built.output);
  CHECK(planned.multiply_adds == built.multiply_adds);
  CHECK(planned.multiply_adds >= 0);
  REQUIRE(planned.parameters.size() == built.parameters.size());
  for (std::size_t i = 0; i < planned.parameters.size(); ++i) {
    CHECK(planned.parameters[i].name == built.parameters[i].name);
    CHECK(planned.parameters[i].shape == built.parameters[i].variable.shape());
    CHECK(planned.parameters[i].variable.empty());
  }
}

TEST_CASE("planning and building declare the same things, and planning holds no values") {
  for_each_example([](const Example& example) {
    const Model planned = Model::planned(example.config, example.input);
    const Model built(example.config, example.input, kSeed);
    const auto p = planned.infos(), b = built.infos();
    REQUIRE(p.size() == b.size());
    for (std::size_t i = 0; i < p.size(); ++i) check_same_declarations(*p[i], *b[i]);
  });
}

TEST_CASE("names of parameters and buffers are unique and begin with their layer's path") {
  for_each_example([](const Example& example) {
    const Model model(example.config, example.input, kSeed);
    std::set<std::string> names;
    for (const nn::LayerInfo* info : model.infos()) {
      for (const nn::Parameter& p : info->parameters) {
        CHECK(names.insert(p.name).second);
        CHECK(p.name.rfind(info->path + ".", 0) == 0);
      }
      for (const nn::Buffer& b : info->buffers) CHECK(names.insert(b.name).second);
    }
  });
}

TEST_CASE("a seed decides every initial number, and another seed gives other weights") {
  for_each_example([](const Example& example) {
    const auto first = state(Model(example.config, example.input, kSeed));
    const auto again = state(Model(example.config, example.input, kSeed));
    const Model other(example.config, example.input, kSeed + 1);
    REQUIRE(first.size() == again.size());
    for (std::size_t i = 0; i < first.size(); ++i) {
      CHECK(first[i].first == again[i].first);
      CHECK(same_bits(first[i].second.value(), again[i].second.value()));
    }
    const auto parameters = other.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].role != nn::Role::kWeight) continue;
      CHECK(!same_bits(first[i].second.value(), parameters[i].variable.value()));
    }
  });
}

TEST_CASE("an input of the wrong shape is refused with the layer's name and the shape that came") {
  for_each_example([](const Example& example) {
    Model model(example.config, example.input, kSeed);
    const nn::LayerInfo& info = *model.infos().front();
    std::vector<std::int64_t> extents(example.input.extents().begin(), example.input.extents().end());
    ++extents.back();
    const core::Shape wider{std::span<const std::int64_t>(extents)};
    for (const core::Tensor& wrong : {numbers(wider, 2), core::Tensor::zeros(example.input)}) {
      try {
        static_cast<void>(run(model, wrong));
        FAIL_CHECK("no error for " << wrong.shape().text());
      } catch (const nn::LayerShapeError& error) {
        CHECK(error.path() == info.path);
        CHECK(std::string(error.what()).rfind(info.label() + ": ", 0) == 0);
        CHECK(std::string(error.what()).find(wrong.shape().text()) != std::string::npos);
      }
    }
  });
}

TEST_CASE("in evaluation a sample's result does not depend on the batch it is in") {
  for_each_example([](const Example& example) {
    Model model(example.config, example.input, kSeed);
    const core::Tensor batch = numbers(example.input, 4);
    const core::Tensor together = run(model, batch).value();
    const auto in = static_cast<std::size_t>(example.input.numel());
    const auto out = static_cast<std::size_t>(model.output().numel());
    for (std::size_t i = 0; i < 4; ++i) {
      const core::Tensor sample(example.input.with_batch(1), batch.values().subspan(i * in, in));
      const core::Tensor alone = run(model, sample).value();
      for (std::size_t k = 0; k < out; ++k) {
        CHECK(alone.values()[k] == doctest::Approx(together.values()[i * out + k]).epsilon(1e-6));
      }
    }
  });
}

TEST_CASE("a relu, and a pooling behind it, fused into the layer before them change no bit of result or gradients") {
  for_each_example([](const Example& example) {
    nn::ModelConfig config = example.config;
    config.layers.add(nn::LayerRegistry::builtin().create("relu"));
    const core::Shape shape = Model(config, example.input, kSeed).output();
    const bool has_pairs = shape.rank() == 3 && shape[1] >= 2 && shape[2] >= 2;
    if (has_pairs) config.layers.add(nn::LayerRegistry::builtin().create("max_pool2d"));
    const auto bits = [&](bool fuse) {
      Model model(config, example.input, kSeed);
      nn::ForwardContext context{.training = true, .seed = kSeed, .step = 3, .fuse = fuse};
      const core::Variable x(numbers(example.input, 3), true);
      const core::Variable y = model.forward(x, context);
      core::backward(y, numbers(model.output(), 3));
      std::vector<core::Tensor> tensors{y.value(), x.grad()};
      for (const nn::Parameter& p : model.parameters()) tensors.push_back(p.variable.grad());
      return tensors;
    };
    const auto fused = bits(true), plain = bits(false);
    REQUIRE(fused.size() == plain.size());
    for (std::size_t i = 0; i < fused.size(); ++i) CHECK(same_bits(fused[i], plain[i]));
  });
}

TEST_CASE("every weight is used as its site leaves it") {
  struct Erase final : nn::ValueTransform {
    core::Variable operator()(const core::Variable& value, nn::ForwardContext& /*context*/) override {
      return core::Variable(core::Tensor::zeros(value.shape()));
    }
  };
  for_each_example([](const Example& example) {
    Model model(example.config, example.input, kSeed);
    const core::Tensor x = numbers(example.input, 2);
    const core::Tensor with_weights = run(model, x).value();
    for (nn::Site* site : model.sites()) {
      if (site->kind != nn::SiteKind::kWeight) continue;
      CAPTURE(site->name);
      site->transform = std::make_shared<Erase>();
      CHECK(!same_bits(run(model, x).value(), with_weights));
      CHECK(!same_bits(run(model, x, {.training = true}).value(),
                       run(model, x, {.training = true, .transform = false}).value()));
      site->transform = nullptr;
    }
  });
}

TEST_CASE("a saved layer loads into one of another seed, which then gives the same bits") {
  const TemporaryFolder folder;
  for_each_example([&](const Example& example) {
    Model saved(example.config, example.input, kSeed);
    // A step of training, so that running statistics are not those of a fresh layer.
    static_cast<void>(run(saved, numbers(example.input, 5), {.training = true}));
    nn::SafetensorsWriter writer;
    for (const auto& [name, variable] : state(saved)) writer.add(name, variable.value());
    writer.write(folder / "layer.safetensors");

    Model loaded(example.config, example.input, kSeed + 1);
    const nn::SafetensorsReader reader(folder / "layer.safetensors");
    for (const auto& [name, variable] : state(loaded)) variable.set_value(reader.tensor(name));
    CHECK(reader.tensors().size() == state(loaded).size());
    const core::Tensor x = numbers(example.input, 3);
    CHECK(same_bits(run(saved, x).value(), run(loaded, x).value()));
  });
}

}  // namespace
