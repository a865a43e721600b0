// Oracles: counts by hand; a weight that is changed between the packing and the proof, by one step of its grid.
#include "tempera/quant/dynamic_verify.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

#include "quant/quantized_model.hpp"
#include "quant/support.hpp"

namespace {

using namespace tempera;
using quant_test::Quantized;
using quant_test::Samples;

const char* const kNetwork = R"(
    {"type": "conv2d", "name": "conv", "out": 6, "kernel": 3, "padding": 1, "stride": 2, "groups": 2}, {"type": "relu"},
    {"type": "flatten"}, {"type": "linear", "name": "fc", "out": 3})";
const char* const kNetworkRules = R"({"when": "after", "rules": [
    {"sites": "conv.weight", "quantizer": {"type": "uniform", "bits": 4, "granularity": "per_channel"}},
    {"sites": "fc.weight", "quantizer": {"type": "uniform", "bits": 8, "granularity": "per_group", "group": 10}},
    {"sites": "conv.input", "how": "dynamic", "quantizer": "uniform"},
    {"sites": "fc.input", "how": "dynamic", "quantizer": "uniform"}]})";

// Does something before it gives its first batch.
class Meddling final : public core::BatchSource {
 public:
  explicit Meddling(std::function<void()> action)
      : samples_(quant_test::random_samples({4, 5, 5}, 50, 16)), action_(std::move(action)) {}
  [[nodiscard]] std::int64_t samples() const override { return samples_.samples(); }
  [[nodiscard]] std::int64_t batches_per_epoch() const override { return samples_.batches_per_epoch(); }
  void start(std::int64_t epoch, std::int64_t first) override { samples_.start(epoch, first); }
  [[nodiscard]] bool next(core::Batch& batch) override {
    if (action_) std::exchange(action_, nullptr)();
    return samples_.next(batch);
  }

 private:
  Samples samples_;
  std::function<void()> action_;
};

TEST_CASE("products of integers are proved to be their definition, as many images as were asked for") {
  Quantized network(kNetwork, {4, 5, 5}, kNetworkRules);
  Samples images = quant_test::random_samples({4, 5, 5}, 50, 16);
  const quant::DynamicVerification all = quant::verify_dynamic(network.model, images, 1000);
  CHECK(!all.difference);
  CHECK(all.images == 50);
  CHECK(all.values == 50 * (6 * 3 * 3 + 3));
  CHECK(all.float_predictions_differ <= 1.0 / 50);
  CHECK(quant::verify_dynamic(network.model, images, 20).images == 20);
}

TEST_CASE("a weight that is not the one that was packed is found, with its layer") {
  Quantized network(kNetwork, {4, 5, 5}, kNetworkRules);
  for (const std::string name : {"conv.weight", "fc.weight"}) {
    const auto change = [&] {
      for (const nn::Parameter& p : network.model.parameters()) {
        if (p.name == name) p.variable.mutable_value().mutable_values()[0] *= Scalar{-0.5F};
      }
    };
    Meddling images(change);
    const quant::DynamicVerification found = quant::verify_dynamic(network.model, images, 1000);
    REQUIRE(found.difference);
    CHECK(found.difference->layer + ".weight" == name);
    CHECK(found.difference->image < 16);
    CHECK(found.difference->index < (name == "conv.weight" ? 9 : 1));  // the first output channel's
    CHECK(found.difference->definition != found.difference->product);
  }
}

}  // namespace
