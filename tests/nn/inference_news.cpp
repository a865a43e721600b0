// What a call of a network with one image may not do after the first few: ask the system for memory. Oracle: a count of every
// operator new of this program, and of the blocks that the allocator of tensors has fetched.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "nn/configured.hpp"
#include "support/news.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/random.hpp"
#include "tempera/core/storage.hpp"
#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/model.hpp"

namespace {

using namespace tempera;

constexpr int kFirstCalls = 3, kCalls = 20;

struct Network {
  nn::Model model;
  core::Variable image;

  Network(const nn::ModelConfig& config, const core::Shape& input) : model(config, input, 1) {
    core::Tensor x(input.with_batch(1));
    core::Random(5, "image").fill_normal(x.mutable_values(), 0, 1);
    image = core::Variable(std::move(x));
  }
  void call() {
    nn::ForwardContext context;
    static_cast<void>(model.forward(image, context));
  }
};

Network network_of(const std::string& layers, const core::Shape& input = {1, 28, 28}) {
  nn::ModelConfig config;
  core::read_json(R"({"layers": )" + layers + "}", "test", [&](core::FieldVisitor& v) { config.fields(v); });
  return Network(config, input);
}

// The calls of operator new in kCalls calls of the network; with one thread, those that fetch memory for tensors as well.
std::int64_t steady_news(Network& network, int threads) {
  const int before = core::thread_count();
  core::set_thread_count(threads);
  for (int i = 0; i < kFirstCalls; ++i) network.call();
  const std::int64_t news = test::news.load(), fetched = core::allocator_stats().system_allocations;
  for (int i = 0; i < kCalls; ++i) network.call();
  const std::int64_t made = test::news.load() - news;
  // How many buffers threads hold at once depends on their timing.
  if (threads == 1) CHECK(core::allocator_stats().system_allocations == fetched);
  core::set_thread_count(before);
  return made;
}

void check_no_news(Network network) {
  {
    const core::NoGrad no_history;
    for (const int threads : {1, 3}) {
      CAPTURE(threads);
      CHECK(steady_news(network, threads) == 0);
    }
  }
  // With history there are functions to be kept: the count counts.
  if (!network.model.parameters().empty()) CHECK(steady_news(network, 1) > 0);
}

}  // namespace

TEST_CASE("an image through perceptrons asks for no memory") {
  check_no_news(network_of(R"([{"type": "flatten"}, {"type": "linear", "out": 128}, {"type": "relu"},
                            {"type": "linear", "out": 10}])"));
  check_no_news(network_of(R"([{"type": "flatten"}, {"type": "linear", "out": 1200}, {"type": "relu"},
                            {"type": "linear", "out": 1200}, {"type": "relu"}, {"type": "linear", "out": 10}])"));
}

TEST_CASE("an image through convolutions of 5×5 and pools asks for no memory") {
  check_no_news(network_of(R"([{"type": "conv2d", "out": 20, "kernel": 5}, {"type": "relu"},
                            {"type": "max_pool2d", "size": 2}, {"type": "conv2d", "out": 50, "kernel": 5},
                            {"type": "relu"}, {"type": "max_pool2d", "size": 2}, {"type": "flatten"},
                            {"type": "linear", "out": 500}, {"type": "relu"}, {"type": "linear", "out": 10}])"));
}

TEST_CASE("an image through convolutions of 3×3 and a pool asks for no memory") {
  check_no_news(network_of(R"([{"type": "conv2d", "out": 32, "kernel": 3}, {"type": "relu"},
                            {"type": "conv2d", "out": 64, "kernel": 3}, {"type": "relu"},
                            {"type": "max_pool2d", "size": 2}, {"type": "flatten"}, {"type": "linear", "out": 128},
                            {"type": "relu"}, {"type": "linear", "out": 10}])"));
}

TEST_CASE("an image through named blocks of batch norm, dropout, a residual sum and a pool asks for no memory") {
  check_no_news(network_of(R"([
      {"type": "conv2d", "out": 16, "kernel": 3, "padding": 1, "stride": 2, "bias": false}, {"type": "batch_norm"},
      {"type": "relu"},
      {"type": "residual", "name": "a_block_whose_name_is_long", "layers": [
        {"type": "conv2d", "out": 16, "kernel": 3, "padding": 1}, {"type": "batch_norm"}, {"type": "relu"},
        {"type": "dropout"}, {"type": "conv2d", "out": 16, "kernel": 3, "padding": 1, "groups": 16}]},
      {"type": "relu"}, {"type": "global_avg_pool2d"}, {"type": "linear", "out": 10}, {"type": "softmax"}])"));
}

TEST_CASE("no layer asks for memory in a call with one sample") {
  const nn::LayerRegistry& registry = nn::LayerRegistry::builtin();
  for (const std::string& type : registry.names()) {
    CAPTURE(type);
    for (nn::AnyLayerExample& example : registry.examples(type)) {
      nn::ModelConfig config;
      config.layers.add(std::move(example.config));
      check_no_news(Network(config, example.input));
    }
  }
}
