// What a call with one image may not do after the first few where activations are quantized by their own ranges: ask the system
// for memory. Oracle: a count of every operator new of this program.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "quant/quantized_model.hpp"
#include "support/news.hpp"
#include "tempera/core/parallel.hpp"
#include "tempera/core/storage.hpp"
#include "tempera/quant/dynamic_forward.hpp"

namespace {

using namespace tempera;

constexpr const char* kOwnRanges = R"({"when": "after", "rules": [
    {"sites": "*.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_channel"}},
    {"sites": "input", "how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}},
    {"sites": "relu*.output", "how": "dynamic", "quantizer": {"type": "uniform", "bits": 8}}]})";

void check_no_news(const std::string& layers, const core::Shape& sample) {
  nn::Model model(quant_test::layers_of(layers), sample, 1);
  quant::attach(model, quant_test::rules_of(kOwnRanges));
  const core::Tensor one = quant_test::random_tensor(sample.with_batch(1), -1, 1, "image");
  quant_test::calibrate_on(model, one);
  const quant::DynamicForward dynamic(model);
  const int before = core::thread_count();
  for (const int threads : {1, 3}) {
    CAPTURE(threads);
    core::set_thread_count(threads);
    for (int i = 0; i < 3; ++i) static_cast<void>(dynamic.logits(one));
    const std::int64_t first = test::news.load(), storage = core::allocator_stats().system_allocations;
    for (int i = 0; i < 20; ++i) static_cast<void>(dynamic.logits(one));
    CHECK(test::news.load() == first);
    // How many buffers threads hold at once depends on their timing.
    if (threads == 1) CHECK(core::allocator_stats().system_allocations == storage);
  }
  core::set_thread_count(before);
}

}  // namespace

TEST_CASE("a perceptron whose activations have ranges of their own asks for no memory in a call with one image") {
  const std::int64_t first = test::news.load();
  check_no_news(R"({"type": "flatten"}, {"type": "linear", "out": 100}, {"type": "relu"},
                   {"type": "linear", "out": 40}, {"type": "relu"}, {"type": "linear", "out": 10})",
                {1, 28, 28});
  CHECK(test::news.load() > first);  // the count counts
}

TEST_CASE("convolutions whose activations have ranges of their own ask for no memory in a call with one image") {
  check_no_news(R"({"type": "conv2d", "out": 20, "kernel": 5}, {"type": "relu"}, {"type": "max_pool2d", "size": 2},
                   {"type": "conv2d", "out": 20, "kernel": 3, "groups": 20, "dilation": 2}, {"type": "relu"},
                   {"type": "conv2d", "out": 12, "kernel": 1}, {"type": "batch_norm"}, {"type": "relu"},
                   {"type": "max_pool2d", "size": 2}, {"type": "flatten"}, {"type": "linear", "out": 10})",
                {1, 28, 28});
}
