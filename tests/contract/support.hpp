// Every example of every registered layer, as a model of that one layer.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>

#include "tempera/nn/layer_registry.hpp"
#include "tempera/nn/model.hpp"

namespace tempera::contract {

/// One example: a model of a single layer and the shape of its samples.
struct Example {
  std::string title;  ///< "conv2d, example 2"
  nn::ModelConfig config;
  core::Shape input;
};

inline constexpr std::uint64_t kSeed = 11;

/// Runs `test` on each, reporting failures under the example's title.
inline void for_each_example(const std::function<void(const Example&)>& test) {
  const nn::LayerRegistry& registry = nn::LayerRegistry::builtin();
  for (const std::string& type : registry.names()) {
    int number = 0;
    for (nn::AnyLayerExample& any : registry.examples(type)) {
      Example example{.title = type + ", example " + std::to_string(++number), .config = {}, .input = any.input};
      example.config.layers.add(std::move(any.config));
      CAPTURE(example.title);
      test(example);
    }
  }
}

/// [batch, shape…] of numbers that are all different and away from 0, so that no maximum or kink is on a tie.
inline core::Tensor numbers(const core::Shape& sample, std::int64_t batch) {
  core::Tensor x(sample.with_batch(batch));
  const std::int64_t n = x.numel();
  Scalar* values = x.mutable_data();
  for (std::int64_t i = 0; i < n; ++i) {
    values[i] = static_cast<Scalar>((static_cast<double>((i * 37) % n) + 0.25) / static_cast<double>(n) * 4.0 - 2.0);
  }
  return x;
}

}  // namespace tempera::contract
