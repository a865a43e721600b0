// Oracle: plain loops over the definition of each operation of nn::Graph (graph_interpreter.cpp).
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "contract/graph_interpreter.hpp"
#include "contract/support.hpp"
#include "tempera/core/errors.hpp"
#include "tempera/core/random.hpp"

namespace {

using namespace tempera;

// Gains, biases and statistics that are not those of a fresh layer, or a graph could mix them up unnoticed.
void scramble(const core::Variable& variable, std::string_view name) {
  const core::Random random(5, name);
  std::uint64_t i = 0;
  for (Scalar& v : variable.mutable_value().mutable_values())
    v = Scalar{0.5} + static_cast<Scalar>(random.uniform(i++));
}

TEST_CASE("the graph of every layer computes what its forward computes") {
  std::set<std::string> refused;
  contract::for_each_example([&](const contract::Example& example) {
    nn::Model model(example.config, example.input, contract::kSeed);
    for (const nn::Parameter& p : model.parameters()) {
      if (p.role != nn::Role::kWeight) scramble(p.variable, p.name);
    }
    for (const nn::Buffer& b : model.buffers()) scramble(b.variable, b.name);
    nn::Graph graph;
    try {
      graph = nn::lower(model);
    } catch (const core::UnsupportedError& error) {
      refused.insert(model.layers()[0]->info().type);
      CHECK(error.subject() == model.layers()[0]->info().label());
      return;
    }
    const core::Tensor x = contract::numbers(example.input, 3);
    nn::ForwardContext context;
    const core::Tensor y = model.forward(core::Variable(x), context).value();
    const auto in = static_cast<std::size_t>(example.input.numel());
    const auto out = static_cast<std::size_t>(model.output().numel());
    for (std::size_t image = 0; image < 3; ++image) {
      const auto sample = x.values().subspan(image * in, in);
      const std::vector<double> expected = contract::interpret(graph, {sample.begin(), sample.end()});
      REQUIRE(expected.size() == out);
      for (std::size_t i = 0; i < out; ++i) {
        CHECK(static_cast<double>(y.values()[image * out + i]) == doctest::Approx(expected[i]).epsilon(1e-5));
      }
    }
  });
  CHECK(refused == std::set<std::string>{"layer_norm"});
}

}  // namespace
