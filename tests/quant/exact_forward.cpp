// Oracle: the model's own fake quantization in floats, from which integers may differ by a rounding here and there, never
// by more; and a network small enough to be worked out by hand.
#include "tempera/quant/exact_forward.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "quant/zoo.hpp"

namespace {

using namespace tempera;
using namespace tempera::quant;

TEST_CASE("exact fake quantization is that of training but for roundings near ties") {
  for (const quant_test::Animal& animal : quant_test::zoo()) {
    CAPTURE(animal.name);
    quant_test::Quantized it(animal.layers, animal.input, animal.rules);
    const core::Tensor exact = ExactForward(it.model, {}).logits(it.images);
    nn::ForwardContext context;
    const core::Tensor floats = it.model.forward(core::Variable(it.images), context).value();
    REQUIRE(exact.shape() == floats.shape());
    double error = 0, size = 0;
    for (std::size_t i = 0; i < exact.values().size(); ++i) {
      error += std::abs(static_cast<double>(exact.values()[i] - floats.values()[i]));
      size += std::abs(static_cast<double>(floats.values()[i]));
    }
    CHECK(size > 0);
    CHECK(error < 0.04 * size);
  }
}

}  // namespace
